/**
 * Fields of a TARS packet: `tag << 4 | type`, a tag from 15 on in a byte of its own. Integers come in the smallest type that
 * holds them, zero as a type without bytes, so that nothing can be changed in place.
 */
import { ProtocolError } from '../../../src/message/index.js';

export const TYPE = {
  INT8: 0,
  INT16: 1,
  INT32: 2,
  INT64: 3,
  FLOAT: 4,
  DOUBLE: 5,
  TEXT1: 6,
  TEXT4: 7,
  MAP: 8,
  LIST: 9,
  STRUCT: 10,
  STRUCT_END: 11,
  ZERO: 12,
  BYTES: 13,
} as const;

/** Real packets nest two or three levels; each level of a hostile one costs a byte. */
const MAX_DEPTH = 32;
const SIZES = [1, 2, 4, 8, 4, 8];

/** Walks over fields, one at a time; used again for the next packet. @throws ProtocolError - the bytes are no fields */
export class FieldWalker {
  tag = 0;
  type = 0;
  /** Of the field itself: its first byte. */
  start = 0;
  /** Of texts and bytes. */
  valueAt = 0;
  valueLength = 0;
  /** The next field begins here. */
  at = 0;
  #frame: Buffer = EMPTY;
  #end = 0;

  open(frame: Buffer, at: number, end: number): this {
    this.#frame = frame;
    this.at = at;
    this.#end = end;
    return this;
  }

  /** To the next field, over all of it. @returns whether there is one */
  next(): boolean {
    if (this.at >= this.#end) return false;
    this.start = this.at;
    this.#head();
    this.#value(this.type, 0);
    return true;
  }

  /** Of the present field: an integer of at most 32 bits; others are cut to them. @throws ProtocolError - it is none */
  int32(): number {
    const frame = this.#frame;
    const at = this.valueAt;
    switch (this.type) {
      case TYPE.ZERO:
        return 0;
      case TYPE.INT8:
        return frame.readInt8(at);
      case TYPE.INT16:
        return frame.readInt16BE(at);
      case TYPE.INT32:
        return frame.readInt32BE(at);
      case TYPE.INT64:
        return frame.readInt32BE(at + 4);
      default:
        throw malformed(this.start, `the field ${this.tag} is no integer`);
    }
  }

  get isText(): boolean {
    return this.type === TYPE.TEXT1 || this.type === TYPE.TEXT4;
  }

  /** The present field is a map: how many pairs it has. The walker goes to the first key; then each `next` is a key or a value. */
  enterMap(): number {
    this.at = this.start;
    this.#head();
    return this.#count();
  }

  #head(): void {
    const head = this.#byte();
    this.type = head & 15;
    this.tag = head >> 4 === 15 ? this.#byte() : head >> 4;
  }

  #value(type: number, depth: number): void {
    if (depth > MAX_DEPTH) throw malformed(this.at, `fields nest deeper than ${MAX_DEPTH}`);
    if (type <= TYPE.DOUBLE) {
      this.#span(SIZES[type]!, depth);
      return;
    }
    switch (type) {
      case TYPE.ZERO:
        this.#span(0, depth);
        return;
      case TYPE.TEXT1:
        this.#span(this.#byte(), depth);
        return;
      case TYPE.TEXT4:
        this.#span(this.#uint32(), depth);
        return;
      case TYPE.BYTES: {
        if (this.#byte() !== 0) throw malformed(this.at - 1, 'a list of bytes is of something else');
        this.#span(this.#count(), depth);
        return;
      }
      case TYPE.MAP:
        this.#inner(2 * this.#count(), depth);
        return;
      case TYPE.LIST:
        this.#inner(this.#count(), depth);
        return;
      case TYPE.STRUCT:
        for (;;) {
          const inner = this.#innerType();
          if (inner === TYPE.STRUCT_END) return;
          this.#value(inner, depth + 1);
        }
      default:
        throw malformed(this.at - 1, `there is no type ${type}`);
    }
  }

  /** So many fields inside the present one. Each takes a byte at least, so that a count cannot cost more than the frame has. */
  #inner(count: number, depth: number): void {
    for (let i = 0; i < count; i++) this.#value(this.#innerType(), depth + 1);
  }

  #innerType(): number {
    const head = this.#byte();
    if (head >> 4 === 15) this.#byte();
    return head & 15;
  }

  /** A count is a field of its own. */
  #count(): number {
    const type = this.#innerType();
    const at = this.at;
    if (type !== TYPE.ZERO && type > TYPE.INT32) throw malformed(at - 1, 'a count is no integer');
    if (type !== TYPE.ZERO) this.#skip(SIZES[type]!);
    const frame = this.#frame;
    const count =
      type === TYPE.ZERO
        ? 0
        : type === TYPE.INT8
          ? frame.readInt8(at)
          : type === TYPE.INT16
            ? frame.readInt16BE(at)
            : frame.readInt32BE(at);
    if (count < 0 || count > this.#end - this.at) throw malformed(at, `a count of ${count} reaches beyond the end`);
    return count;
  }

  #span(length: number, depth: number): void {
    if (depth === 0) {
      this.valueAt = this.at;
      this.valueLength = length;
    }
    this.#skip(length);
  }

  #skip(length: number): void {
    if (length > this.#end - this.at) throw malformed(this.at, `a value of ${length} bytes reaches beyond the end`);
    this.at += length;
  }

  #byte(): number {
    if (this.at >= this.#end) throw malformed(this.at, 'a field is cut off');
    return this.#frame[this.at++]!;
  }

  #uint32(): number {
    if (this.#end - this.at < 4) throw malformed(this.at, 'a field is cut off');
    this.at += 4;
    return this.#frame.readUInt32BE(this.at - 4);
  }
}

export function malformed(at: number, what: string): ProtocolError {
  return new ProtocolError(`TARS packet: ${what}, at byte ${at}`);
}

const EMPTY = Buffer.alloc(0);

/** An integer of 32 bits as a field, in the smallest type. */
export function intField(tag: number, value: number): Buffer {
  if (value === 0) return Buffer.from([(tag << 4) | TYPE.ZERO]);
  if (value >= -0x80 && value <= 0x7f) return Buffer.from([(tag << 4) | TYPE.INT8, value & 0xff]);
  if (value >= -0x8000 && value <= 0x7fff) {
    const field = Buffer.from([(tag << 4) | TYPE.INT16, 0, 0]);
    field.writeInt16BE(value, 1);
    return field;
  }
  const field = Buffer.from([(tag << 4) | TYPE.INT32, 0, 0, 0, 0]);
  field.writeInt32BE(value | 0, 1);
  return field;
}

export function textField(tag: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  const short = bytes.length <= 0xff;
  const head = Buffer.from([(tag << 4) | (short ? TYPE.TEXT1 : TYPE.TEXT4), bytes.length]);
  if (short) return Buffer.concat([head, bytes]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([head.subarray(0, 1), length, bytes]);
}

/** @param pairs - keys and values in turn, each a text field with tag 0 or 1 */
export function mapField(tag: number, pairs: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([(tag << 4) | TYPE.MAP]), intField(0, pairs.length / 2), ...pairs]);
}
