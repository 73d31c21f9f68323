import { type CallHandle, type CallSink, Failure } from '../call/index.js';
import type { Message } from '../message/index.js';

/** As Envoy's `max_pending_requests`. */
const MAX_HELD = 1024;
const MAX_HELD_BYTES = 16 * 1024 * 1024;

/**
 * Calls that came before the rules: held, bounded in number and bytes, and let go all at once, in order.
 */
export class Hold {
  private readonly held = new Set<HeldCall>();
  private bytes = 0;

  /** Where there is no room the sink is told at once. */
  add(request: Message, sink: CallSink, begin: () => CallHandle): CallHandle {
    const size = request.size;
    if (this.held.size >= MAX_HELD || this.bytes + size > MAX_HELD_BYTES) {
      sink.fail(new Failure('NO_RULES', { role: 'hold', reason: `${this.held.size} calls wait for the first rules` }));
      return NOTHING;
    }
    request.unpin();
    this.bytes += size;
    const call = new HeldCall(begin, () => {
      this.held.delete(call);
      this.bytes -= size;
    });
    this.held.add(call);
    return call;
  }

  release(): void {
    for (const call of [...this.held]) call.go();
  }
}

const NOTHING: CallHandle = { cancel() {} };

class HeldCall implements CallHandle {
  private running: CallHandle | undefined;
  private over = false;

  constructor(
    private readonly begin: () => CallHandle,
    private readonly leave: () => void,
  ) {}

  go(): void {
    if (this.over) return;
    this.leave();
    this.running = this.begin();
  }

  cancel(): void {
    if (this.over) return;
    this.over = true;
    if (this.running === undefined) this.leave();
    else this.running.cancel();
  }
}
