const FIRST_BYTES = 2 * 1024;
/** What a piece of a slab keeps in memory at most, beside itself. */
export const SLAB_BYTES = 16 * 1024;

/** Frames up to this size are copied whole with their new id: above it a fresh head before the untouched rest is cheaper. */
export const COPY_FRAME_UP_TO = 4096;

/**
 * Hands out small pieces of one larger buffer, each used once: a connection's small frames cost no allocation each, and
 * lie side by side. A used-up buffer is left to whoever still holds pieces of it and a fresh one begun, so a piece is
 * never overwritten. Buffers double from 2 KB to 16 KB, since an idle connection keeps its last one.
 */
export class Slab {
  #buffer = EMPTY;
  #used = 0;
  #size = FIRST_BYTES;

  /** `size` bytes of unspecified content, the caller's to write once. */
  take(size: number): Buffer {
    if (size > SLAB_BYTES / 4) return Buffer.allocUnsafeSlow(size);
    if (this.#used + size > this.#buffer.length) this.#begin(size);
    const piece = this.#buffer.subarray(this.#used, this.#used + size);
    this.#used += size;
    return piece;
  }

  #begin(size: number): void {
    while (this.#size < size) this.#size *= 2;
    this.#buffer = Buffer.allocUnsafeSlow(this.#size);
    this.#used = 0;
    this.#size = Math.min(this.#size * 2, SLAB_BYTES);
  }
}

const EMPTY = Buffer.alloc(0);
