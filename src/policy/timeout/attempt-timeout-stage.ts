/**
 * How long one attempt may take once it has a connection, so that a silent endpoint costs a retry and not the whole
 * call. Where the deadline comes first there is no second timer: the deadline ends the attempt too.
 */
import { type Attempt, Failure, type Outcome } from '../../call/index.js';
import type { Expirable, Runtime, Timer } from '../../runtime/index.js';
import type { Gate, StageBinder } from '../stage.js';

class AttemptTimeoutGate implements Gate<Attempt> {
  constructor(
    private readonly runtime: Runtime,
    private readonly timeoutMs: number,
  ) {}

  before(attempt: Attempt): undefined {
    const dueAt = attempt.pass.now + this.timeoutMs;
    if (dueAt < attempt.pass.call.deadlineAt) {
      attempt.timer = new AttemptExpiry(attempt, this.runtime, dueAt, this.timeoutMs);
    }
  }

  settled(attempt: Attempt, _outcome: Outcome): void {
    if (attempt.timer === undefined) return;
    (attempt.timer as AttemptExpiry).timer.cancel();
    attempt.timer = undefined;
  }
}

class AttemptExpiry implements Expirable {
  readonly timer: Timer;

  constructor(
    private readonly attempt: Attempt,
    runtime: Runtime,
    dueAt: number,
    private readonly timeoutMs: number,
  ) {
    this.timer = runtime.timers.armAt(dueAt, this);
    // A caller waits for it, perhaps with nothing else open.
    this.timer.ref();
  }

  expired(timer: Timer): void {
    const { attempt, timeoutMs } = this;
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
