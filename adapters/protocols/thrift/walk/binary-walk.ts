import { ProtocolError } from '../../../../src/message/index.js';
import { MAX_NAME_BYTES } from '../wire.js';
import type { Cursor } from './cursor.js';
import { Nesting } from './nesting.js';
import type { Walk } from './walk.js';

const TYPE = { STRING: 11, STRUCT: 12, MAP: 13, SET: 14, LIST: 15 } as const;

/** Bytes of a value by its type; 0: it has a length of its own, or there is no such type. */
const SIZES = new Uint8Array(32);
for (const [type, size] of [
  [2, 1], // bool
  [3, 1], // byte
  [4, 8], // double
  [6, 2], // i16
  [8, 4], // i32
  [10, 8], // i64
  [16, 16], // uuid
] as const) {
  SIZES[type] = size;
}

/** The binary encodings, strict and old. Collections of values of one size, and strings, are stepped over at once. */
export class BinaryWalk implements Walk {
  at = 0;
  readonly #nesting = new Nesting();
  /** Type of the value at `at`, where it is not told by what stands before it. */
  #pending = 0;

  begin(cursor: Cursor): boolean {
    const strict = cursor.byte(0) === 0x80;
    const nameAt = strict ? 8 : 4;
    if (cursor.byte(nameAt - 1) < 0) return false;
    const name = cursor.int32(nameAt - 4);
    if (name < 0 || name > MAX_NAME_BYTES) throw new ProtocolError(`a Thrift method's name of ${name} bytes`);
    this.at = nameAt + name + (strict ? 4 : 5);
    this.#pending = 0;
    this.#nesting.reset();
    this.#nesting.pushStruct();
    return true;
  }

  walk(cursor: Cursor, limit: number): boolean {
    const nesting = this.#nesting;
    while (this.at <= limit) {
      if (this.#pending !== 0) {
        if (!this.#value(cursor, this.#pending)) return false;
      } else if (nesting.depth === 0) return true;
      else if (nesting.inStruct) {
        const type = cursor.byte(this.at);
        if (type < 0) return false;
        if (type === 0) {
          this.at++;
          nesting.pop();
        } else {
          this.at += 3;
          this.#pending = type;
        }
      } else {
        this.#pending = nesting.next();
        if (this.#pending === 0) nesting.pop();
      }
    }
    return false;
  }

  /** Steps over, or into, a value. False: it takes more bytes to do so. */
  #value(cursor: Cursor, type: number): boolean {
    const { at } = this;
    const size = SIZES[type] ?? 0;
    if (size > 0) this.at += size;
    else if (type === TYPE.STRUCT) this.#nesting.pushStruct();
    else if (type === TYPE.STRING) {
      if (cursor.byte(at + 3) < 0) return false;
      this.at = at + 4 + count(cursor.int32(at));
    } else if (type === TYPE.MAP) {
      if (cursor.byte(at + 5) < 0) return false;
      this.at = at + 6;
      this.#collection(2 * count(cursor.int32(at + 2)), cursor.byte(at), cursor.byte(at + 1));
    } else if (type === TYPE.LIST || type === TYPE.SET) {
      if (cursor.byte(at + 4) < 0) return false;
      this.at = at + 5;
      const element = cursor.byte(at);
      this.#collection(count(cursor.int32(at + 1)), element, element);
    } else throw new ProtocolError(`a Thrift message with a value of type ${type}`);
    this.#pending = 0;
    return true;
  }

  #collection(values: number, even: number, odd: number): void {
    const first = SIZES[even] ?? 0;
    const second = SIZES[odd] ?? 0;
    if (first > 0 && second > 0) this.at += (values * (first + second)) / 2;
    else if (values > 0) this.#nesting.push(values, even, odd);
  }
}

function count(value: number): number {
  if (value < 0) throw new ProtocolError(`a Thrift message with a length of ${value}`);
  return value;
}
