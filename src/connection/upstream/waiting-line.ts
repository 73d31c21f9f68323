import type { Attempt } from '../../call/index.js';

/**
 * Attempts that wait for a connection, first come first served; leaving from the middle costs as little as from the
 * front. A Set keeps the order of insertion, and an iterator that is kept never walks over a removed entry twice.
 */
export class WaitingLine {
  readonly #attempts = new Set<Attempt>();
  #front: SetIterator<Attempt> | undefined = undefined;

  get length(): number {
    return this.#attempts.size;
  }

  join(attempt: Attempt): void {
    this.#attempts.add(attempt);
  }

  /** False if it is not in line. */
  leave(attempt: Attempt): boolean {
    return this.#attempts.delete(attempt);
  }

  shift(): Attempt | undefined {
    if (this.#attempts.size === 0) return undefined;
    this.#front ??= this.#attempts.values();
    let next = this.#front.next();
    if (next.done) {
      this.#front = this.#attempts.values();
      next = this.#front.next();
    }
    if (next.done) return undefined;
    this.#attempts.delete(next.value);
    return next.value;
  }
}
