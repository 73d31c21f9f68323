/** The rule model and its store. Imports nothing above `runtime`. */
export { Adoption, type AdoptionChange, type HeldService, PATIENCE_MS, type RefusedCluster } from './adoption.js';
export { foreignClusters, type KnownRules } from './bridging.js';
export { type Choice, Chooser, choose } from './choose.js';
export { sameContent } from './content.js';
export { diffEndpoints, type EndpointsDiff } from './diff.js';
export { effectiveLimits, effectivePolicy, mergePolicies, type PolicyOverride } from './effective.js';
export type * from './engines.js';
export type { Follower } from './follower.js';
// Not its files: they are loaded by who wants them.
export type { LastGoodStore, StoredRules } from './last-good/last-good.js';
export { type RememberingSource, withLastGood } from './last-good/with-last-good.js';
export * from './model.js';
export { namedClusters, unknownClusters } from './named-clusters.js';
export { RuleError } from './rule-error.js';
export type { RuleSource, SourceContext } from './source.js';
export type { SourceChange, SourceProblem, SourceStatus } from './source-status.js';
export type { LiveMap } from './staged-map.js';
export type { ChangeSet } from './staged-rules.js';
export { RuleStore, type Snapshot } from './store.js';
export { watchSource } from './watch.js';
