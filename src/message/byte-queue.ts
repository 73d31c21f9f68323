import type { Bytes } from './bytes.js';

/** A straddling message up to this size is copied into one piece: cheaper than reading it in two. */
const COPY_UP_TO = 4096;

/**
 * What has been read from a connection and not yet decoded. Bodies are handed on in the chunks they came in: only heads
 * and small messages that straddle chunks are copied.
 */
export class ByteQueue {
  /** The chunk that is being read. Mostly it is the only one, and then no array is touched. */
  #head: Buffer = EMPTY;
  #offset = 0;
  /** The chunks behind it. */
  #rest: Buffer[] = [];
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#length === 0) this.#head = chunk;
    else this.#rest.push(chunk);
    this.#length += chunk.length;
  }

  /** The next `n` bytes in one piece, left in place; null if there are fewer. Copies only if they straddle chunks. */
  peek(n: number): Buffer | null {
    if (n > this.#length) return null;
    if (n === 0) return EMPTY;
    const end = this.#offset + n;
    return end <= this.#head.length ? this.#head.subarray(this.#offset, end) : this.#copy(n);
  }

  /** The byte at `at`, from the front; -1 if there is none. */
  at(at: number): number {
    if (at >= this.#length) return -1;
    let position = this.#offset + at;
    let chunk = this.#head;
    for (let i = this.#first; position >= chunk.length; i++) {
      position -= chunk.length;
      chunk = this.#rest[i]!;
    }
    return chunk[position]!;
  }

  /**
   * The bytes from `at` to the end of the chunk that they lie in, left in place; empty if there are none. Looked for from
   * the back: who reads on where it left off pays for the chunks that came since, however many lie before.
   */
  run(at: number): Buffer {
    if (at >= this.#length) return EMPTY;
    const position = this.#offset + at;
    if (position < this.#head.length) return this.#head.subarray(position);
    let i = this.#rest.length - 1;
    let start = this.#offset + this.#length - this.#rest[i]!.length;
    while (position < start) start -= this.#rest[--i]!.length;
    return this.#rest[i]!.subarray(position - start);
  }

  /** Takes the next `n` bytes off. @throws RangeError if there are fewer: ask {@link length} first. */
  take(n: number): Bytes {
    if (n > this.#length) throw new RangeError(`${n} bytes asked of ${this.#length}`);
    if (n === 0) return [];
    const chunk = this.#head;
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

  /**
   * {@link take}, with at least the first `head` bytes in one piece, for codecs that read there. Copies those if chunks
   * end within them, and nothing behind them.
   */
  takeWithHead(n: number, head: number): Bytes {
    const bytes = this.take(n);
    if (bytes.length === 1 || bytes[0]!.length >= head) return bytes;
    const joined = Buffer.allocUnsafe(Math.min(head, n));
    const pieces: Buffer[] = [joined];
    let at = 0;
    for (const segment of bytes) {
      const copied = segment.copy(joined, at);
      at += copied;
      if (copied < segment.length) pieces.push(segment.subarray(copied));
    }
    return pieces;
  }

  skip(n: number): void {
    if (n > this.#length) throw new RangeError(`${n} bytes skipped of ${this.#length}`);
    this.#advance(n);
  }

  clear(): void {
    this.#head = EMPTY;
    this.#offset = 0;
    this.#rest = [];
    this.#first = 0;
    this.#length = 0;
  }

  #segments(n: number): Bytes {
    const pieces: Buffer[] = [];
    while (n > 0) {
      const size = Math.min(n, this.#head.length - this.#offset);
      pieces.push(this.#head.subarray(this.#offset, this.#offset + size));
      this.#advance(size);
      n -= size;
    }
    return pieces;
  }

  #copy(n: number): Buffer {
    const copy = Buffer.allocUnsafe(n);
    let written = this.#head.copy(copy, 0, this.#offset);
    for (let i = this.#first; written < n; i++) written += this.#rest[i]!.copy(copy, written, 0, n - written);
    return copy;
  }

  #advance(n: number): void {
    this.#length -= n;
    this.#offset += n;
    if (this.#offset >= this.#head.length) this.#moveOn();
  }

  /** To the chunk that the offset lies in, now beyond the first. */
  #moveOn(): void {
    while (this.#offset >= this.#head.length && this.#first < this.#rest.length) {
      this.#offset -= this.#head.length;
      this.#head = this.#rest[this.#first]!;
      this.#rest[this.#first++] = EMPTY;
    }
    if (this.#length === 0) {
      this.#head = EMPTY;
      this.#offset = 0;
    }
    if (this.#first === this.#rest.length) {
      if (this.#first > 0) this.#rest.length = 0;
      this.#first = 0;
    } else if (this.#first > 64) {
      this.#rest.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

const EMPTY = Buffer.alloc(0);
