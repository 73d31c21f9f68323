import { type CallHandle, Failure, NO_DEADLINE } from '../call/index.js';
import type { Message } from '../message/index.js';
import type { Expirable, Timer, Timers } from '../runtime/index.js';

/** As Envoy's `max_pending_requests`. */
const MAX_HELD = 1024;
const MAX_HELD_BYTES = 16 * 1024 * 1024;

/**
 * Calls that came before the rules: held, bounded in number, bytes and by what their callers wait, and let go all at once,
 * in order.
 */
export class Hold {
  private readonly held = new Set<HeldCall>();
  private bytes = 0;

  constructor(private readonly timers: Timers) {}

  /** @param refuse - told at once where there is no room, and when the deadline comes first */
  add(request: Message, deadlineAt: number, begin: () => CallHandle, refuse: (failure: Failure) => void): CallHandle {
    const size = request.size;
    if (this.held.size >= MAX_HELD || this.bytes + size > MAX_HELD_BYTES) {
      refuse(new Failure('NO_RULES', { role: 'hold', reason: `${this.held.size} calls wait for the first rules` }));
      return NOTHING;
    }
    request.unpin();
    this.bytes += size;
    const call = new HeldCall(begin, refuse, () => {
      this.held.delete(call);
      this.bytes -= size;
    });
    if (deadlineAt !== NO_DEADLINE) call.endBy(this.timers, deadlineAt);
    this.held.add(call);
    return call;
  }

  release(): void {
    for (const call of [...this.held]) call.go();
  }
}

const NOTHING: CallHandle = { cancel() {} };

/** Beginning may run its caller's code, which cancels the call, makes others, or has all released again. */
class HeldCall implements CallHandle, Expirable {
  private running: CallHandle | undefined;
  private begun = false;
  private over = false;
  private timer: Timer | undefined;

  constructor(
    private readonly begin: () => CallHandle,
    private readonly refuse: (failure: Failure) => void,
    private readonly leave: () => void,
  ) {}

  endBy(timers: Timers, deadlineAt: number): void {
    this.timer = timers.armAt(deadlineAt, this);
    this.timer.ref();
  }

  expired(timer: Timer): void {
    this.over = true;
    this.leave();
    const reason = 'it came while the call waited for the first rules';
    this.refuse(new Failure('DEADLINE', { role: 'hold', reason, stallMs: timer.lateMs }));
  }

  go(): void {
    if (this.over || this.begun) return;
    this.begun = true;
    this.timer?.cancel();
    this.leave();
    this.running = this.begin();
    if (this.over) this.running.cancel();
  }

  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.timer?.cancel();
    if (this.begun) this.running?.cancel();
    else this.leave();
  }
}
