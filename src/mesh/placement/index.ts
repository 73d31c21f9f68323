/** Where calls to a destination go: here, to a sidecar, direct or nowhere. Imports `telemetry`, `rules`, `call` and below. */
export { type Decided, decide, type Placement, type PlacementFacts } from './decide.js';
export { HEALTHY_MS, LASTS_MS, PlacementState } from './hysteresis.js';
export type { FallBackOptions, OnNoRules, PlacementOptions, PlacementWish, SidecarOptions } from './options.js';
export { type Placeable, Placed, type PlacementStatus } from './placed.js';
export { Placements } from './placements.js';
export { type PlacementReason, REASONS } from './reasons.js';
