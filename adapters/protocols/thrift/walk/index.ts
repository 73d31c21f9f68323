/**
 * Where an unframed message ends, which takes a walk through it. Bounded in depth and length; each byte is seen once however
 * it comes, and strings and collections of numbers are stepped over. Imports `src/message` and the encodings' constants.
 */
import { type ByteQueue, ProtocolError } from '../../../../src/message/index.js';
import { BinaryWalk } from './binary-walk.js';
import { CompactWalk } from './compact-walk.js';
import { Cursor } from './cursor.js';
import { JsonWalk } from './json-walk.js';
import type { Walk } from './walk.js';

export { MAX_DEPTH } from './nesting.js';

const COMPACT = 0x82;
const JSON_ARRAY = 0x5b;

/** The walk of one direction of a connection. */
export class Walker {
  readonly #cursor = new Cursor();
  readonly #binary = new BinaryWalk();
  #compact: CompactWalk | undefined = undefined;
  #json: JsonWalk | undefined = undefined;
  /** Of the message at the front; undefined: none is begun. */
  #walk: Walk | undefined = undefined;
  #begun = false;

  /**
   * The length of the message at the front of the queue; −1: it is not all there.
   * @throws ProtocolError - it is longer than `maxBytes`, nests too deep, or is no such message
   */
  lengthOf(input: ByteQueue, maxBytes: number): number {
    const cursor = this.#cursor;
    cursor.open(input);
    this.#walk ??= this.#for(cursor.byte(0));
    const walk = this.#walk;
    if (!this.#begun) this.#begun = walk.begin(cursor);
    const whole = this.#begun && walk.walk(cursor, maxBytes);
    cursor.close();
    if (this.#begun && walk.at > maxBytes) {
      throw new ProtocolError(`an unframed Thrift message of more than ${maxBytes} bytes, which is the limit`);
    }
    if (!whole || walk.at > input.length) return -1;
    this.#walk = undefined;
    this.#begun = false;
    return walk.at;
  }

  #for(first: number): Walk {
    if (first === COMPACT) {
      this.#compact ??= new CompactWalk();
      return this.#compact;
    }
    if (first !== JSON_ARRAY) return this.#binary;
    this.#json ??= new JsonWalk();
    return this.#json;
  }
}
