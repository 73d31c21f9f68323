import type { ByteQueue } from '../../../../src/message/index.js';

const EMPTY = Buffer.alloc(0);

/** Reads bytes of a queue by their place in it, chunk by chunk: none is looked for twice, and nothing is copied. */
export class Cursor {
  #input: ByteQueue | undefined = undefined;
  #run: Buffer = EMPTY;
  #from = 0;

  /** To be called before reading on: the queue has got more, or others' bytes went off its front. */
  open(input: ByteQueue): void {
    this.#input = input;
    this.#run = EMPTY;
  }

  close(): void {
    this.#input = undefined;
    this.#run = EMPTY;
  }

  /** The byte at `at`; −1 if it is not there yet. */
  byte(at: number): number {
    const position = at - this.#from;
    if (position >= 0 && position < this.#run.length) return this.#run[position]!;
    return this.#move(at);
  }

  /** The i32 at `at`, whose bytes must be there. */
  int32(at: number): number {
    return (this.byte(at) << 24) | (this.byte(at + 1) << 16) | (this.byte(at + 2) << 8) | this.byte(at + 3);
  }

  /** From `at` to the end of its chunk. */
  rest(at: number): Buffer {
    return this.#input!.run(at);
  }

  #move(at: number): number {
    this.#run = this.#input!.run(at);
    this.#from = at;
    return this.#run.length > 0 ? this.#run[0]! : -1;
  }
}
