/** The rule model and its store. Imports nothing above `runtime`. */
export { effectiveLimits, effectivePolicy, mergePolicies } from './effective.js';
export * from './model.js';
export type { RuleSource } from './source.js';
