/** Rules from YAML files: reading, checking, translating, watching. Imports src, rxjs, yaml, zod and re2js. */
export { type FileSourceOptions, fileSource } from './file-source.js';
export { type LoadedRules, type LoadOptions, loadRules, type RuleSet, readRules } from './load.js';
export { describeProblem, type Problem, RulesError } from './problem.js';
export type { Translation } from './translate/index.js';
export type { WatchOptions } from './watch.js';
