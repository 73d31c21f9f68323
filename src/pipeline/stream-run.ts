import { Failure, Reply } from '../call/index.js';
import type { Message } from '../message/index.js';
import type { RoutedAttempt } from './attempt-run.js';

/**
 * What the runner does for streams, beyond calls. A stream may last for days, so all that waits for the outcome of a call
 * and is not about its end is let go with the first answer: the deadline and the attempt's timeout (they bound how long an
 * opening may take), the retry's place among those under way, and the circuit breaker, whose only probe it may be.
 * Telemetry, outlier detection, the slot of the cluster and in-flight counts stay with the stream to its end.
 */
export function streamed(attempt: RoutedAttempt, message: Message): void {
  const { stream } = attempt.pass.call;
  if (attempt.settled || stream === undefined) return;
  if (!stream.answered) attempt.answered(ANSWERED);
  stream.deliver(message);
}

const ANSWERED = new Reply(undefined);

/** An interceptor has subscribed again, or lets another call through, after the stream has begun. */
export function alreadyBegun(): Failure {
  const reason = 'a stream that has begun cannot be opened again, as an interceptor asks';
  return new Failure('INTERNAL', { role: 'interceptors', reason });
}
