/** The rule model and its store. Imports nothing above `runtime`. */
export { effectiveLimits, effectivePolicy, mergePolicies } from './effective.js';
export type * from './engines.js';
export * from './model.js';
export { RuleError } from './rule-error.js';
export type { RuleSource } from './source.js';
