/** Meltemi for users: a mesh, its calls, what interceptors see. Re-exports only. */
export {
  Call,
  type Destination,
  type DownstreamPeer,
  FAILURES,
  Failure,
  type FailureCode,
  isFailure,
  Reply,
  type Sent,
} from './call/index.js';
export { type CallOptions, createMesh, Mesh, type MeshNode, type MeshOptions, type MeshStatus } from './mesh/index.js';
export {
  Message,
  type MessageKind,
  type Metadata,
  Mutation,
  type Protocol,
  type ReplyStatus,
} from './message/index.js';
export type { Interceptor, Next } from './pipeline/index.js';
export type { PolicyOverride, RuleSource } from './rules/index.js';
export {
  type AccessLogOptions,
  type CallRecord,
  explainCall,
  type HistogramSnapshot,
  type Logger,
  type LogStream,
  type MetricSnapshot,
  type Sample,
  type Shown,
} from './telemetry/index.js';
