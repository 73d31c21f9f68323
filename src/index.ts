/** Meltemi for users: a mesh, its calls, what interceptors see. Re-exports only. */
export {
  type Blame,
  Call,
  type Destination,
  type DownstreamPeer,
  FAILURES,
  Failure,
  type FailureCode,
  type FailureDetail,
  type FailureTraits,
  isFailure,
  Reply,
  type Sent,
} from './call/index.js';
export type { EndpointStatus } from './cluster/index.js';
export type { HandledCall, Handler, Listener } from './connection/index.js';
export {
  type CallOptions,
  createMesh,
  type Decision,
  type DescribedService,
  type FallBackOptions,
  type Front,
  type FrontOptions,
  type ListenOptions,
  Mesh,
  type MeshNode,
  type MeshOptions,
  type MeshStatus,
  type OnNoRules,
  type Placement,
  type PlacementOptions,
  type PlacementReason,
  type PlacementStatus,
  type PlacementWish,
  type PlanDescription,
  type PortStatus,
  type ServeOptions,
  type SidecarOptions,
  type StageDescription,
} from './mesh/index.js';
export {
  Message,
  type MessageKind,
  type Metadata,
  Mutation,
  type Protocol,
  type ReplyStatus,
} from './message/index.js';
export type { Interceptor, Next } from './pipeline/index.js';
export type { WorkersOptions } from './policy/index.js';
export type { PolicyOverride, RuleSource, SourceProblem, SourceState, SourceStatus } from './rules/index.js';
export {
  type AccessLogOptions,
  type AttemptRecord,
  type CallRecord,
  explainCall,
  type HistogramSnapshot,
  type Logger,
  type LogStream,
  type MetricSnapshot,
  type OutcomeName,
  type Sample,
  type Shown,
} from './telemetry/index.js';
