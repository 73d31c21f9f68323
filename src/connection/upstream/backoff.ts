import type { Failure } from '../../call/index.js';
import type { Runtime } from '../../runtime/index.js';
import type { ResolvedPoolOptions } from './options.js';

/**
 * When may the next connect be tried? Exponential, drawn between half and all of the step ("equal jitter"), so that the
 * clients of a restarted server do not come back together. A success forgets all of it. Nothing is timed here: whoever wants a
 * connection asks, and a peer that nobody calls is not dialled.
 */
export class Backoff {
  #last: Failure | undefined = undefined;
  #until = 0;
  #stepMs = 0;
  #byDrain = false;

  constructor(
    private readonly runtime: Runtime,
    private readonly options: ResolvedPoolOptions,
  ) {}

  /** Why not now; undefined: go on. */
  get refusal(): Failure | undefined {
    return this.#last !== undefined && this.runtime.now() < this.#until ? this.#last : undefined;
  }

  /** The peer itself said that it takes no new calls, and it is too early to ask again. */
  get afterDrain(): boolean {
    return this.#byDrain && this.refusal !== undefined;
  }

  succeeded(): void {
    this.#last = undefined;
    this.#stepMs = 0;
    this.#byDrain = false;
  }

  failed(failure: Failure): void {
    const { backoffBaseMs, backoffMaxMs } = this.options;
    this.#stepMs = Math.min(backoffMaxMs, this.#stepMs === 0 ? backoffBaseMs : this.#stepMs * 2);
    this.#until = this.runtime.now() + this.#stepMs * (0.5 + this.runtime.random() / 2);
    this.#last = failure;
    this.#byDrain = false;
  }

  drained(failure: Failure): void {
    this.#stepMs = this.options.backoffMaxMs / 2;
    this.failed(failure);
    this.#byDrain = true;
  }
}
