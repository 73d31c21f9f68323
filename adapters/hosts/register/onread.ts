import type { UserBuffer } from './socket-internals.js';

/**
 * Reads for a socket that was made with `onread`: into the user's buffer, piece by piece, with a call for each, as Node does
 * from a descriptor. Such a socket emits no `data`. After a call that throws {@link go} goes on with the next piece.
 */
export class OnRead {
  #rest: Buffer | undefined = undefined;
  #paused = false;

  constructor(private readonly user: UserBuffer) {}

  /** @returns false if not all of it was taken: {@link go} goes on */
  take(chunk: Buffer): boolean {
    this.#rest = chunk;
    return this.go();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  /** @returns whether nothing is left. */
  go(): boolean {
    const { user } = this;
    while (!this.#paused && this.#rest !== undefined) {
      const { buffer } = user;
      const length = Math.min(this.#rest.length, buffer.length);
      buffer.set(this.#rest.subarray(0, length));
      this.#rest = length < this.#rest.length ? this.#rest.subarray(length) : undefined;
      if (user.callback(length, buffer) === false) this.#paused = true;
      const next = user.next?.();
      if (next instanceof Uint8Array) user.buffer = next;
    }
    return this.#rest === undefined && !this.#paused;
  }
}
