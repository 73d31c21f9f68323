/** What the mesh tells about itself: meters, access log, events, explain, logger. Imports `call` and below. */
export type { HistogramSnapshot } from '../runtime/index.js';
export { AccessLog, type AccessLogOptions, DEFAULT_FORMAT, type LogStream } from './access-log.js';
export { AttemptTelemetryGate } from './attempt-gate.js';
export { METRICS, type Metric, type MetricSnapshot, type Sample, snapshot } from './catalogue.js';
export type { EndedCall } from './ended-call.js';
export {
  type AttemptEnd,
  type CallEnd,
  type CallStart,
  type CircuitChange,
  type ConnectionChange,
  type ConnectionClose,
  type ConnectionProtocolError,
  type EndpointEjected,
  type EndpointRestored,
  type EventChannel,
  events,
  type PlacementChange,
  type RulesApplied,
  type RulesProblem,
  type SourceTransition,
} from './events.js';
export { type AttemptRecord, type CallRecord, describeCall, explainCall, type Shown } from './explain.js';
export { forgivingStream } from './forgiving-stream.js';
export { OPERATORS, REDACTED_KEYS } from './log-format.js';
export { type Logger, type LogLevel, oneLine, silentLogger, stderrLogger, withoutRepeats } from './logger.js';
export { type ClusterMeter, REFUSING_ROLES, type Reporter, type RouteMeter, type ServiceMeter } from './meter.js';
export { Meters, NO_ROUTE } from './meters.js';
export { OUTCOMES, type OutcomeName, outcomeName } from './outcomes.js';
export { PlacementMeter } from './placement-meter.js';
export { CallRecorder } from './recorder.js';
