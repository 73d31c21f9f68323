/**
 * The deadline of a call is one moment, set when the call comes in, and everything inside ends by it: queues, pauses
 * between attempts, a fallback's second pass. The caller and the wire have set `call.deadlineAt`; the route may only
 * tighten it, counting from the call's start, so that a second pass gets what time is left and not a fresh timeout.
 *
 * - A call whose moment has passed is refused: what cannot fit is not started.
 * - One timer a pass, and none where there is no deadline.
 * - An expiry that the event loop was late for says so (`stallMs`): nobody upstream is to blame for it.
 */
import { Failure, NO_DEADLINE, type Outcome, type Pass } from '../../call/index.js';
import type { Runtime, Timer } from '../../runtime/index.js';
import type { Gate, StageBinder } from '../stage.js';

class DeadlineGate implements Gate<Pass> {
  constructor(
    private readonly runtime: Runtime,
    /** Infinity if the rules set none. */
    private readonly timeoutMs: number,
  ) {}

  before(pass: Pass): Failure | undefined {
    const { call } = pass;
    const latest = call.startedAt + this.timeoutMs;
    if (latest < call.deadlineAt) call.deadlineAt = latest;
    const { deadlineAt } = call;
    if (deadlineAt === NO_DEADLINE) return undefined;
    const lateMs = call.now - deadlineAt;
    if (lateMs >= 0) return alreadyPast(lateMs);
    pass.timer = this.runtime.timers.armAt(deadlineAt, pass);
    // A caller waits for it, perhaps with nothing else open.
    pass.timer.ref();
    return undefined;
  }

  settled(pass: Pass, _outcome: Outcome): void {
    if (pass.timer === undefined) return;
    pass.timer.cancel();
    pass.timer = undefined;
  }

  expired(pass: Pass, timer: Timer): void {
    const { call, attempt } = pass;
    const allowedMs = Math.round(call.deadlineAt - call.startedAt);
    pass.end(
      new Failure('DEADLINE', {
        role: 'deadline',
        reason: `no reply from ${pass.cluster} within the ${allowedMs} ms of the call (attempt ${pass.attempts})`,
        sent: attempt?.sent ?? 'no',
        stallMs: timer.lateMs,
      }),
    );
  }
}

function alreadyPast(lateMs: number): Failure {
  const reason = `the deadline had passed ${Math.round(lateMs)} ms before the call could start`;
  return new Failure('DEADLINE', { role: 'deadline', reason });
}

/** In every plan, since any call may bring a deadline of its own. */
export const deadlineStage: StageBinder<Gate<Pass>> = {
  role: 'deadline',
  why: 'ends the call by its deadline, whatever it waits for then',
  bind: (scope) => new DeadlineGate(scope.runtime, scope.policy.timeoutMs ?? NO_DEADLINE),
};
