/** Rules from YAML files: reading, checking, translating. Imports src, yaml, zod and re2js. */
export { loadRules, type RuleSet, readRules } from './load.js';
export { type ParsedRules, parseRules } from './parse.js';
export { blocks, describeProblem, type Problem, RulesError } from './problem.js';
export { isMetaprotocol, type Translation, translate } from './translate/index.js';
