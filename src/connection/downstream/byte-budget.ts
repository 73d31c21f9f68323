/** Something that holds bytes for a slow reader, or requests that are not answered yet. */
export interface ByteHolder {
  /** As of now. */
  readonly heldBytes: number;
  /** Reading may go on. */
  budgetFreed(): void;
  /** It holds more than anybody else, and there is no room left: it must let go of all. */
  evict(reason: string): void;
}

/**
 * What all downstreams of a process may hold together. Over half of it nobody reads requests; at the whole, whoever
 * holds most is closed. So memory is bounded although a shared upstream is never held back for one slow downstream.
 *
 * Holders tell their share when it moves, once a tick. Between, a share may have shrunk unnoticed: before somebody is
 * closed, all are asked anew.
 */
export class ByteBudget {
  /** Nobody reads requests. */
  pausing = false;
  #used = 0;
  readonly #shares = new Map<ByteHolder, number>();

  /** @param limitBytes - defaults to 256 MiB: sixteen of the longest messages. */
  constructor(readonly limitBytes = 256 * 1024 * 1024) {}

  get usedBytes(): number {
    return this.#used;
  }

  /** The holder's share is now `bytes`. */
  note(holder: ByteHolder, bytes: number): void {
    const before = this.#shares.get(holder) ?? 0;
    if (bytes === before) return;
    if (bytes === 0) this.#shares.delete(holder);
    else this.#shares.set(holder, bytes);
    this.#used += bytes - before;
    if (this.#used > this.limitBytes / 2) this.#tight();
    else if (this.pausing && this.#used < this.limitBytes * 0.375) this.#free();
  }

  #tight(): void {
    this.pausing = true;
    if (this.#used <= this.limitBytes) return;
    let largest: ByteHolder | undefined;
    let most = 0;
    this.#used = 0;
    for (const holder of this.#shares.keys()) {
      const bytes = holder.heldBytes;
      this.#shares.set(holder, bytes);
      this.#used += bytes;
      if (bytes <= most) continue;
      most = bytes;
      largest = holder;
    }
    if (this.#used <= this.limitBytes || largest === undefined) return;
    largest.evict(`${most} bytes held, the most of ${this.#used} where ${this.limitBytes} are allowed`);
    this.note(largest, 0);
  }

  #free(): void {
    this.pausing = false;
    for (const holder of [...this.#shares.keys()]) holder.budgetFreed();
  }
}
