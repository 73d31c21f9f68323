import type { Message } from '../../src/index.js';
import type { Attempt, Connection, Peer } from '../../src/spi.js';

/**
 * An upstream that costs next to nothing: takes attempts of all endpoints, and answers the oldest when told to. What is
 * measured in front of it is the mesh and not a wire. A ring of attempts, no allocation.
 */
export class StubUpstream implements Peer, Connection {
  readonly ready = true;
  readonly draining = false;
  readonly #pending: (Attempt | undefined)[];
  #oldest = 0;
  #next = 0;

  /** @param size - of the ring, a power of two above the number of calls in flight */
  constructor(
    readonly reply: Message,
    private readonly size = 1 << 15,
  ) {
    this.#pending = new Array(size).fill(undefined);
  }

  checkout(): Connection {
    return this;
  }

  withdraw(): void {}
  release(): void {}

  send(attempt: Attempt): void {
    attempt.sent = 'maybe';
    this.#pending[this.#next++ & (this.size - 1)] = attempt;
  }

  abandon(attempt: Attempt): void {
    const at = this.#pending.indexOf(attempt);
    if (at < 0) return;
    this.#pending[at] = undefined;
    attempt.target?.release();
  }

  /** Calls that wait. */
  get outstanding(): number {
    return this.#next - this.#oldest;
  }

  /** Returns the cluster that it was for. */
  answerOldest(): string {
    const at = this.#oldest++ & (this.size - 1);
    const attempt = this.#pending[at];
    if (attempt === undefined) return '';
    this.#pending[at] = undefined;
    attempt.target?.release();
    attempt.replied(this.reply);
    return attempt.pass.cluster;
  }
}
