import { ProtocolError } from '../../../../src/message/index.js';
import { MAX_NAME_BYTES } from '../wire.js';
import type { Cursor } from './cursor.js';
import { Nesting } from './nesting.js';
import type { Walk } from './walk.js';

const TYPE = {
  TRUE: 1,
  FALSE: 2,
  BYTE: 3,
  I16: 4,
  I64: 6,
  DOUBLE: 7,
  BINARY: 8,
  LIST: 9,
  SET: 10,
  MAP: 11,
  STRUCT: 12,
  UUID: 13,
} as const;

/** Bytes of a value by its type; 0: it is a varint or has a length of its own. Bools are bytes in collections alone. */
const SIZES = new Uint8Array(16);
for (const [type, size] of [
  [TYPE.TRUE, 1],
  [TYPE.FALSE, 1],
  [TYPE.BYTE, 1],
  [TYPE.DOUBLE, 8],
  [TYPE.UUID, 16],
] as const) {
  SIZES[type] = size;
}

/** 64 bits in sevens. */
const MAX_VARINT_BYTES = 10;

/** The compact encoding. */
export class CompactWalk implements Walk {
  at = 0;
  readonly #nesting = new Nesting();
  #pending = 0;
  /** What {@link #varint} has read, and where it ended. */
  #read = 0;
  #end = 0;

  begin(cursor: Cursor): boolean {
    if (!this.#varint(cursor, 2) || !this.#varint(cursor, this.#end)) return false;
    if (this.#read > MAX_NAME_BYTES) throw new ProtocolError(`a Thrift method's name of ${this.#read} bytes`);
    this.at = this.#end + this.#read;
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
        if (!this.#field(cursor)) return false;
      } else {
        this.#pending = nesting.next();
        if (this.#pending === 0) nesting.pop();
      }
    }
    return false;
  }

  /** A field's header: what its id is more than the last one's, or 0 and the id in full; a bool is in its type. */
  #field(cursor: Cursor): boolean {
    const { at } = this;
    const head = cursor.byte(at);
    if (head < 0) return false;
    if (head === 0) {
      this.#nesting.pop();
      this.at = at + 1;
      return true;
    }
    if (head >> 4 === 0) {
      if (!this.#varint(cursor, at + 1)) return false;
      this.at = this.#end;
    } else this.at = at + 1;
    const type = head & 0x0f;
    if (type === 0) throw unknown(type);
    this.#pending = type <= TYPE.FALSE ? 0 : type;
    return true;
  }

  #value(cursor: Cursor, type: number): boolean {
    const { at } = this;
    const size = SIZES[type]!;
    if (size > 0) this.at = at + size;
    else if (type >= TYPE.I16 && type <= TYPE.I64) {
      if (!this.#varint(cursor, at)) return false;
      this.at = this.#end;
    } else if (type === TYPE.STRUCT) this.#nesting.pushStruct();
    else if (type === TYPE.BINARY) {
      if (!this.#varint(cursor, at)) return false;
      this.at = this.#end + this.#read;
    } else if (type === TYPE.LIST || type === TYPE.SET) {
      if (!this.#list(cursor, at)) return false;
    } else if (type === TYPE.MAP) {
      if (!this.#map(cursor, at)) return false;
    } else throw unknown(type);
    this.#pending = 0;
    return true;
  }

  #list(cursor: Cursor, at: number): boolean {
    const head = cursor.byte(at);
    if (head < 0) return false;
    let count = head >> 4;
    this.#end = at + 1;
    if (count === 15) {
      if (!this.#varint(cursor, at + 1)) return false;
      count = this.#read;
    }
    this.#collection(count, head & 0x0f, head & 0x0f);
    return true;
  }

  /** An empty map is its size alone. */
  #map(cursor: Cursor, at: number): boolean {
    if (!this.#varint(cursor, at)) return false;
    if (this.#read === 0) {
      this.at = this.#end;
      return true;
    }
    const types = cursor.byte(this.#end);
    if (types < 0) return false;
    this.#end++;
    this.#collection(2 * this.#read, types >> 4, types & 0x0f);
    return true;
  }

  #collection(values: number, even: number, odd: number): void {
    this.at = this.#end;
    if (even === 0 || odd === 0) throw unknown(0);
    const first = SIZES[even]!;
    const second = SIZES[odd]!;
    if (first > 0 && second > 0) this.at += (values * (first + second)) / 2;
    else if (values > 0) this.#nesting.push(values, even, odd);
  }

  /** Of 64-bit values only the low 32 bits are kept: those are stepped over. */
  #varint(cursor: Cursor, at: number): boolean {
    let value = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = cursor.byte(at + i);
      if (byte < 0) return false;
      if (i < 5) value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        this.#read = value >>> 0;
        this.#end = at + i + 1;
        return true;
      }
    }
    throw new ProtocolError('a Thrift varint of more than 64 bits');
  }
}

function unknown(type: number): ProtocolError {
  return new ProtocolError(`a compact Thrift message with a value of type ${type}`);
}
