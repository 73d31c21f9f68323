/**
 * How long one attempt may take once it has a connection, so that a silent endpoint costs a retry and not the whole
 * call. Where the deadline comes first there is no second timer: the deadline ends the attempt too.
 */
import { type Attempt, Failure, type Outcome } from '../../call/index.js';
import type { Runtime, Timer } from '../../runtime/index.js';
import type { Gate, StageBinder } from '../stage.js';

class AttemptTimeoutGate implements Gate<Attempt> {
  constructor(
    private readonly runtime: Runtime,
    private readonly timeoutMs: number,
  ) {}

  before(attempt: Attempt): undefined {
    const dueAt = attempt.pass.call.now + this.timeoutMs;
    if (dueAt >= attempt.pass.call.deadlineAt) return;
    attempt.timer = this.runtime.timers.armAt(dueAt, attempt);
    // A caller waits for it, perhaps with nothing else open.
    attempt.timer.ref();
  }

  settled(attempt: Attempt, _outcome: Outcome): void {
    if (attempt.timer === undefined) return;
    attempt.timer.cancel();
    attempt.timer = undefined;
  }

  expired(attempt: Attempt, timer: Timer): void {
    const { timeoutMs } = this;
    attempt.end(
      new Failure('ATTEMPT_TIMEOUT', {
        role: 'attempt-timeout',
        reason: `attempt ${attempt.number}: no reply from ${attempt.target?.address ?? 'any endpoint'} within ${timeoutMs} ms`,
        sent: attempt.sent,
        stallMs: timer.lateMs,
      }),
    );
  }
}

export const attemptTimeoutStage: StageBinder<Gate<Attempt>> = {
  role: 'attempt-timeout',
  why: 'ends an attempt that takes too long, so that another may be made',
  bind({ direction, runtime, policy: { attemptTimeoutMs } }) {
    if (direction === 'inbound' || attemptTimeoutMs === undefined) return undefined;
    return new AttemptTimeoutGate(runtime, attemptTimeoutMs);
  },
};
