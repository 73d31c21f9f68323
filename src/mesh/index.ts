/** The joining of the parts: a mesh, its life, its edges. Imports everything below. */
export { CallObservable, type CallOptions } from './call-observable.js';
export type { PortStatus } from './edges.js';
export type { Decision } from './explain.js';
export type { Front, FrontOptions } from './front.js';
export type { DescribedService } from './governance.js';
export type { ServeOptions } from './inbound.js';
export { createMesh, Mesh } from './mesh.js';
export type { ListenOptions, MeshNode, MeshOptions } from './options.js';
export type {
  FallBackOptions,
  OnNoRules,
  Placement,
  PlacementOptions,
  PlacementReason,
  PlacementStatus,
  PlacementWish,
  SidecarOptions,
} from './placement/index.js';
export type { PlanDescription, StageDescription } from './plan-description.js';
export type { MeshStatus } from './status.js';
