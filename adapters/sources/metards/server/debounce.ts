import type { Expirable, Runtime, Timer } from '../../../../src/runtime/index.js';

/** Of the quiet period: so long is work put off while changes keep coming. Aeraki: 1 s and 10 s. */
const PATIENCE = 10;

/** Does work once changes have stopped coming for a while, or have come for too long. */
export class Debounce implements Expirable {
  #timer: Timer | undefined;
  #firstAt: number | undefined;

  /** @param quietMs - 0: at once */
  constructor(
    private readonly runtime: Runtime,
    private readonly quietMs: number,
    private readonly work: () => void,
  ) {}

  trigger(): void {
    if (this.quietMs === 0) {
      this.work();
      return;
    }
    const now = this.runtime.now();
    this.#firstAt ??= now;
    this.#timer?.cancel();
    const dueAt = Math.min(now + this.quietMs, this.#firstAt + PATIENCE * this.quietMs);
    this.#timer = this.runtime.timers.armAt(dueAt, this);
  }

  expired(): void {
    this.close();
    this.work();
  }

  /** What was put off is not done. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#firstAt = undefined;
  }
}
