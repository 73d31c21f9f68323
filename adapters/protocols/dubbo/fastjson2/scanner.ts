/**
 * Reads JSONB, fastjson2's binary form, without building what it passes over. Tags and layouts as fastjson2 documents
 * and writes them; frames of real Dubbo 3.3 are in `test/golden/dubbo`. Nesting is limited, and every value takes a byte at
 * least, so no announced length makes the walk longer than the frame.
 */
import { asciiAt } from '../../../../src/message/index.js';
import { MALFORMED } from '../malformed.js';

/** Attachments are flat; what nests deeper than this counts as malformed. */
const MAX_DEPTH = 64;

export const NULL = 0xaf;
export const OBJECT = 0xa6;
export const OBJECT_END = 0xa5;
/** A type name or number before its value. */
export const TYPED = 0x92;
const SHORT_ASCII = 0x49;
const ASCII = 0x79;
const UTF8 = 0x7a;
const SYMBOL = 0x7f;

/** All methods throw {@link MALFORMED}. One object serves all frames: it is used within one call, never across. */
export class JsonbScanner {
  at = 0;
  #frame: Buffer = EMPTY;
  #end = 0;

  begin(frame: Buffer, at: number, end = frame.length): this {
    this.#frame = frame;
    this.#end = end;
    this.at = at;
    return this;
  }

  finish(): void {
    this.#frame = EMPTY;
    this.#end = 0;
  }

  peek(): number {
    return this.at < this.#end ? this.#frame[this.at]! : -1;
  }

  /** Is the next value a string that {@link string} reads? */
  isString(): boolean {
    const tag = this.peek();
    return tag === SYMBOL ? isText(this.#frame[this.at + 1]!) : isText(tag);
  }

  /** A string or null. */
  string(): string | undefined {
    let tag = this.#byte();
    if (tag === NULL) return undefined;
    const symbol = tag === SYMBOL;
    if (symbol) tag = this.#byte();
    if (!isText(tag)) throw MALFORMED;
    const length = tag < ASCII ? tag - SHORT_ASCII : this.int();
    const from = this.at;
    this.#advance(length);
    if (symbol) this.int();
    return decode(this.#frame, tag, from, from + length);
  }

  int(): number {
    const tag = this.#byte();
    if (tag >= 0xf0) return tag - 0x100;
    if (tag <= 0x2f) return tag;
    if (tag <= 0x3f) return ((tag - 0x38) << 8) + this.#byte();
    if (tag <= 0x47) return ((tag - 0x44) << 16) + (this.#byte() << 8) + this.#byte();
    if (tag === 0x48) return (this.#byte() << 24) | (this.#byte() << 16) | (this.#byte() << 8) | this.#byte();
    if (tag === 0xbd) return (this.#byte() << 24) >> 24;
    throw MALFORMED;
  }

  /** Over one whole value. */
  skip(depth = 0): void {
    if (depth > MAX_DEPTH) throw MALFORMED;
    const tag = this.#byte();
    const tail = FIXED_TAIL[tag]!;
    if (tail >= 0) this.#advance(tail);
    else if (isText(tag)) this.#advance(tag < ASCII ? tag - SHORT_ASCII : this.int());
    else if (tag >= 0x94 && tag <= 0xa3) this.#skipMany(tag - 0x94, depth);
    else {
      switch (tag) {
        case SYMBOL: // a name and its number, or the number of an earlier one
          if (isText(this.peek())) this.skip(depth + 1);
          this.int();
          break;
        case TYPED:
          if (isText(this.peek())) this.skip(depth + 1);
          this.int();
          this.skip(depth + 1);
          break;
        case OBJECT:
          while (this.peek() !== OBJECT_END) this.#skipMany(2, depth);
          this.at++;
          break;
        case 0xa4:
          this.#skipMany(this.int(), depth);
          break;
        case 0x91: // bytes
        case 0xbb: // a big integer
          this.#advance(this.int());
          break;
        case 0xb9: // a decimal: scale, unscaled value
          this.#skipMany(2, depth);
          break;
        case 0x90: // a char
        case 0x93: // a reference, as a path
        case 0xb4: // numbers written as a smaller type
        case 0xb6:
        case 0xb8:
        case 0xba:
          this.skip(depth + 1);
          break;
        case 0xa7: // a time of day: three bytes and nanoseconds
          this.#advance(3);
          this.int();
          break;
        case 0xa8: // date and time, nanoseconds
          this.#advance(7);
          this.int();
          break;
        case 0xaa: // the same with a time zone
          this.#advance(7);
          this.int();
          this.skip(depth + 1);
          break;
        case 0xae: // seconds and nanoseconds
          this.#skipMany(2, depth);
          break;
        default:
          throw MALFORMED;
      }
    }
  }

  #skipMany(count: number, depth: number): void {
    for (let i = 0; i < count; i++) this.skip(depth + 1);
  }

  #advance(count: number): void {
    if (count < 0 || this.at + count > this.#end) throw MALFORMED;
    this.at += count;
  }

  #byte(): number {
    if (this.at >= this.#end) throw MALFORMED;
    return this.#frame[this.at++]!;
  }
}

const EMPTY = Buffer.alloc(0);

/** Bytes after the tag of values of fixed length; -1: it is in the value, or there is no such tag. */
const FIXED_TAIL = new Int8Array(256).fill(-1);
FIXED_TAIL.fill(0, 0x00, 0x30).fill(1, 0x30, 0x40).fill(2, 0x40, 0x48).fill(0, 0xf0, 0x100); // int
FIXED_TAIL.fill(2, 0xc0, 0xc8).fill(1, 0xc8, 0xd8).fill(0, 0xd8, 0xf0); // long
for (const tag of [NULL, 0xb0, 0xb1, 0xb2, 0xb3]) FIXED_TAIL[tag] = 0;
for (const tag of [0x48, 0xa9, 0xac, 0xad, 0xb7, 0xbf]) FIXED_TAIL[tag] = 4;
for (const tag of [0xab, 0xb5, 0xbe]) FIXED_TAIL[tag] = 8;
FIXED_TAIL[0xbc] = 2;
FIXED_TAIL[0xbd] = 1;

/** Values that no later one can refer to: numbers, plain strings, booleans, null. */
export function isPlain(tag: number): boolean {
  return FIXED_TAIL[tag]! >= 0 || isText(tag);
}

function isText(tag: number): boolean {
  return tag >= SHORT_ASCII && tag < 0x7e;
}

function decode(frame: Buffer, tag: number, from: number, to: number): string | undefined {
  if (tag <= UTF8) return asciiAt(frame, from, to - from) ?? frame.toString(tag === UTF8 ? 'utf8' : 'latin1', from, to);
  if (tag !== 0x7d) return frame.toString('utf16le', from, to);
  const swapped = Buffer.from(frame.subarray(from, to - ((to - from) % 2)));
  return swapped.swap16().toString('utf16le');
}
