const SLAB_BYTES = 64 * 1024;

/** Frames up to this size are copied whole with their new id: above it a fresh head before the untouched rest is cheaper. */
export const COPY_FRAME_UP_TO = 1024;

/**
 * Hands out small pieces of one large buffer, each used once: a connection's small frames cost no allocation each. A
 * used-up slab is left to whoever still holds pieces of it and a fresh one begun, so a piece is never overwritten.
 */
export class Slab {
  #buffer = EMPTY;
  #used = 0;

  /** `size` bytes of unspecified content, the caller's to write once. */
  take(size: number): Buffer {
    if (size > SLAB_BYTES / 4) return Buffer.allocUnsafeSlow(size);
    if (this.#used + size > this.#buffer.length) {
      this.#buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const piece = this.#buffer.subarray(this.#used, this.#used + size);
    this.#used += size;
    return piece;
  }
}

const EMPTY = Buffer.alloc(0);
