/** Calls, their passes and attempts, outcomes and failures. Imports `message` and `runtime`. */
export { Attempt, type AttemptTarget, type Connection } from './attempt.js';
export { Call, type Destination, type DownstreamPeer, NO_DEADLINE, usSinceStart } from './call.js';
export type { CallHandle, Dispatcher } from './dispatcher.js';
export {
  type Blame,
  FAILURES,
  FALLBACK_CODES,
  Failure,
  type FailureCode,
  type FailureDetail,
  type FailureTraits,
  isFailure,
  type Sent,
} from './failure.js';
export { type CallSink, NOBODY, type Outcome, Reply, WRITTEN } from './outcome.js';
export { Pass } from './pass.js';
export type { StreamEdge } from './stream.js';
