import { TOKEN, type Wire } from './wire.js';

/** A whole frame. @param intact - it is what was expected, but for id and token */
export type OnFrame = (id: number, token: number, length: number, intact: boolean) => void;

/**
 * Reads frames as their bytes come, copying no body; compares each with what is expected, if that is told. Where it isn't, at
 * the server, a frame that is too short for a call is the heartbeat of a connection that others have left idle: nobody misses
 * an answer as long as a run takes.
 */
export class FrameReader {
  readonly #prefix: number;
  /** A frame's first bytes, too few to read anything from. */
  #held: Buffer | undefined = undefined;
  #id = 0;
  #token = 0;
  #length = 0;
  /** Bytes of the frame that were seen. */
  #position = 0;
  #intact = true;

  constructor(
    private readonly wire: Wire,
    private readonly tokenAt: number,
    private readonly onFrame: OnFrame,
    private readonly expected?: Buffer,
  ) {
    this.#prefix = tokenAt + TOKEN.length;
  }

  push(chunk: Buffer): void {
    let data = chunk;
    if (this.#held !== undefined) {
      data = Buffer.concat([this.#held, chunk]);
      this.#held = undefined;
    }
    let at = 0;
    while (at < data.length) {
      if (this.#position === 0) {
        if (data.length - at < this.#prefix) {
          this.#held = data.subarray(at);
          return;
        }
        this.#begin(data, at);
      }
      const end = Math.min(data.length, at + this.#length - this.#position);
      if (this.expected !== undefined) this.#intact &&= this.#equal(this.expected, data, at, end);
      this.#position += end - at;
      at = end;
      if (this.#position === this.#length) this.#end();
    }
  }

  /** In the middle of a frame. */
  get within(): boolean {
    return this.#position > 0 || this.#held !== undefined;
  }

  #begin(data: Buffer, at: number): void {
    const { lengthAt, lengthAdds, idAt } = this.wire;
    this.#length = data.readInt32BE(at + lengthAt) + lengthAdds;
    if (this.#length < this.#prefix && this.expected !== undefined)
      throw new Error(`a frame of ${this.#length} bytes, which is no call of this bench`);
    this.#id = data.readInt32BE(at + idAt);
    this.#token = data.readInt32BE(at + this.tokenAt);
    this.#intact = this.expected === undefined || this.#length === this.expected.length;
  }

  #end(): void {
    this.#position = 0;
    if (this.#length >= this.#prefix) this.onFrame(this.#id, this.#token, this.#length, this.#intact);
  }

  #equal(expected: Buffer, data: Buffer, start: number, end: number): boolean {
    const from = this.#position;
    if (from > 0) return data.compare(expected, from, from + end - start, start, end) === 0;
    const { idAt } = this.wire;
    const afterId = idAt + 4;
    return (
      data.compare(expected, 0, idAt, start, start + idAt) === 0 &&
      data.compare(expected, afterId, this.tokenAt, start + afterId, start + this.tokenAt) === 0 &&
      data.compare(expected, this.#prefix, end - start, start + this.#prefix, end) === 0
    );
  }
}
