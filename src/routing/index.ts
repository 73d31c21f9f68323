/** From a call's attributes to a route, a destination and a hash. Imports `message`, `rules` and below. */
export { CompiledRoute } from './compiled-route.js';
export { formatMatch, formatMiss, type RouteDecision, type RouteMiss } from './explain.js';
export { hashOf } from './hash.js';
export {
  AttributeMatcher,
  type AttributeSource,
  allHold,
  compileMatch,
  compileMatches,
  MAX_REGEX_VALUE,
} from './matchers.js';
export { RouteTable } from './route-table.js';
export { type AvailableEngines, checkRule, type EngineName, validateRule, validateRules } from './validate.js';
