import type { Bytes } from './bytes.js';

/** A straddling message up to this size is copied into one piece: cheaper than reading it in two. */
const COPY_UP_TO = 4096;

/**
 * What has been read from a connection and not yet decoded. Bodies are handed on in the chunks they came in: only heads
 * and small messages that straddle chunks are copied.
 */
export class ByteQueue {
  #chunks: Buffer[] = [];
  #first = 0;
  #offset = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The next `n` bytes in one piece, left in place; null if there are fewer. Copies only if they straddle chunks. */
  peek(n: number): Buffer | null {
    if (n > this.#length) return null;
    if (n === 0) return EMPTY;
    const chunk = this.#chunks[this.#first]!;
    if (this.#offset + n <= chunk.length) return chunk.subarray(this.#offset, this.#offset + n);
    return this.#copy(n);
  }

  /** The byte at `at`, from the front; -1 if there is none. */
  at(at: number): number {
    if (at >= this.#length) return -1;
    let position = this.#offset + at;
    for (let i = this.#first; ; i++) {
      const chunk = this.#chunks[i]!;
      if (position < chunk.length) return chunk[position]!;
      position -= chunk.length;
    }
  }

  /** Takes the next `n` bytes off. @throws RangeError if there are fewer: ask {@link length} first. */
  take(n: number): Bytes {
    if (n > this.#length) throw new RangeError(`${n} bytes asked of ${this.#length}`);
    if (n === 0) return [];
    const chunk = this.#chunks[this.#first]!;
    const end = this.#offset + n;
    if (end <= chunk.length) {
      const piece = this.#offset === 0 && end === chunk.length ? chunk : chunk.subarray(this.#offset, end);
      this.#advance(n);
      return [piece];
    }
    if (n <= COPY_UP_TO) {
      const piece = this.#copy(n);
      this.#advance(n);
      return [piece];
    }
    return this.#segments(n);
  }

  skip(n: number): void {
    if (n > this.#length) throw new RangeError(`${n} bytes skipped of ${this.#length}`);
    this.#advance(n);
  }

  clear(): void {
    this.#chunks = [];
    this.#first = 0;
    this.#offset = 0;
    this.#length = 0;
  }

  #segments(n: number): Bytes {
    const pieces: Buffer[] = [];
    while (n > 0) {
      const chunk = this.#chunks[this.#first]!;
      const size = Math.min(n, chunk.length - this.#offset);
      pieces.push(chunk.subarray(this.#offset, this.#offset + size));
      this.#advance(size);
      n -= size;
    }
    return pieces;
  }

  #copy(n: number): Buffer {
    const copy = Buffer.allocUnsafe(n);
    let written = 0;
    let from = this.#offset;
    for (let i = this.#first; written < n; i++) {
      written += this.#chunks[i]!.copy(copy, written, from, from + n - written);
      from = 0;
    }
    return copy;
  }

  #advance(n: number): void {
    this.#length -= n;
    n += this.#offset;
    while (this.#first < this.#chunks.length && n >= this.#chunks[this.#first]!.length) {
      n -= this.#chunks[this.#first]!.length;
      this.#chunks[this.#first] = EMPTY;
      this.#first++;
    }
    this.#offset = n;
    if (this.#first === this.#chunks.length) {
      this.#chunks.length = 0;
      this.#first = 0;
    } else if (this.#first > 64) {
      this.#chunks.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

const EMPTY = Buffer.alloc(0);
