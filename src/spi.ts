/** For authors of codecs, stages, rule sources and engines. Re-exports only; what users of a mesh need is in `meltemi`. */
export {
  Attempt,
  type AttemptTarget,
  type CallSink,
  type Connection,
  type Outcome,
  Pass,
  type StreamEdge,
  WRITTEN,
} from './call/index.js';
export { type Dns, type NameResolver, namesBy, type Peer, type ResolvedName } from './cluster/index.js';
export {
  type ConnectionOptions,
  type DownstreamLimits,
  type PoolOptions,
  plainTransportBy,
  type SocketAddress,
  type TransportSocket,
} from './connection/index.js';
export {
  type AttributeReader,
  asciiAt,
  ByteQueue,
  type Bytes,
  byteLength,
  COPY_FRAME_UP_TO,
  type Codec,
  type CodecOptions,
  contiguous,
  defineProtocol,
  FieldReader,
  type FramedKind,
  type FramedProtocol,
  type FramedTable,
  formatWireId,
  type HeaderField,
  MAX_MESSAGE_BYTES,
  type NumberType,
  ProtocolError,
  type Rejection,
  type Sharing,
  type Side,
  Slab,
  type Stampable,
  sameWireId,
  varintLength,
  type WireId,
  writeVarint,
} from './message/index.js';
export { ROLES, type RoleEntry } from './pipeline/index.js';
export type {
  AttemptRole,
  BreakerEngine,
  BreakerEngineFactory,
  BreakerState,
  EngineOptions,
  Engines,
  Gate,
  PacingEngine,
  PacingEngineFactory,
  PassRole,
  Permit,
  PlanScope,
  StageBinder,
  StateStore,
  Verdict,
} from './policy/index.js';
export { Share, WAIT } from './policy/index.js';
export type { HashEngine, RegexEngine, RegexProgram, RuleEngines, RuleSource, SourceContext } from './rules/index.js';
export {
  type LastGoodFilesOptions,
  type LastGoodStore,
  lastGoodFiles,
  type StoredRules,
} from './rules/last-good/index.js';
export type * from './rules/model.js';
export { type Expirable, type Runtime, systemRuntime, type Timer, type Timers } from './runtime/index.js';
export { type LogLevel, stderrLogger } from './telemetry/index.js';
