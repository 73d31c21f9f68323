/**
 * Reads Hessian 2 without building what it passes over: {@link HessianScanner.skip} costs a few ns a value and
 * allocates nothing. Layout as in the Hessian 2.0 draft; what real Dubbo writes of it is in `test/golden/dubbo`.
 *
 * - A string's length counts UTF-16 units, so its bytes have to be walked; astral characters are two three-byte
 *   surrogates. Four-byte UTF-8 is refused, as Java's reader does.
 * - A class definition may stand before any value, and attachments may use one made in the arguments. To skip an
 *   object only the class's number of fields is needed. Types and references are read over, never resolved.
 * - Nesting is walked with an explicit stack of fixed depth. Every value takes a byte at least, so no announced length
 *   makes the walk longer than the frame.
 */
import { asciiAt } from '../../../../src/message/index.js';
import { MALFORMED } from '../malformed.js';

/** Deeper nesting counts as malformed: real Dubbo's recursive readers give up at a few thousand. */
export const MAX_DEPTH = 2048;
const MAX_CLASSES = 65_536;

/** How many values of a container are still to come; {@link UNTIL_Z}: up to its end mark. */
const pending = new Int32Array(MAX_DEPTH);
const UNTIL_Z = -1;

export const NULL = 0x4e;
export const MAP = 0x48;
export const TYPED_MAP = 0x4d;
export const END = 0x5a;

export function isStringTag(tag: number | undefined): boolean {
  return tag! <= 0x1f || (tag! >= 0x30 && tag! <= 0x33) || tag === 0x52 || tag === 0x53;
}

/** All methods throw {@link MALFORMED}. One object serves all frames: it is used within one call, never across. */
export class HessianScanner {
  at = 0;
  #frame: Buffer = EMPTY;
  #end = 0;
  /** Numbers of fields, by class. */
  #classes: number[] = [];

  begin(frame: Buffer, at: number): this {
    this.#frame = frame;
    this.#end = frame.length;
    this.at = at;
    if (this.#classes.length > 0) this.#classes = [];
    return this;
  }

  /** Lets go of the frame. */
  finish(): void {
    this.#frame = EMPTY;
    this.#end = 0;
  }

  /** The next byte, left in place; -1 at the end. */
  peek(): number {
    return this.at < this.#end ? this.#frame[this.at]! : -1;
  }

  /** A string or null. */
  string(): string | undefined {
    const tag = this.peek();
    if (tag === NULL) {
      this.at++;
      return undefined;
    }
    if (tag === 0x52) return this.#chunkedString();
    const length = this.#stringLength();
    const from = this.at;
    if (from + length <= this.#end) {
      const ascii = asciiAt(this.#frame, from, length);
      if (ascii !== undefined) {
        this.at = from + length;
        return ascii;
      }
    }
    this.#skipCharacters(length);
    return decodeUtf16(this.#frame, from, this.at);
  }

  int(): number {
    const tag = this.#byte();
    if (tag >= 0x80 && tag <= 0xbf) return tag - 0x90;
    if (tag >= 0xc0 && tag <= 0xcf) return ((tag - 0xc8) << 8) + this.#byte();
    if (tag >= 0xd0 && tag <= 0xd7) return ((tag - 0xd4) << 16) + (this.#byte() << 8) + this.#byte();
    if (tag === 0x49) return (this.#byte() << 24) | (this.#byte() << 16) | (this.#byte() << 8) | this.#byte();
    throw MALFORMED;
  }

  /** Over one whole value. */
  skip(): void {
    const first = this.peek();
    if (first >= 0 && first <= 0x1f) {
      this.at++;
      this.#skipCharacters(first);
    } else this.#skipAny();
  }

  #skipAny(): void {
    let depth = 0;
    for (;;) {
      const tag = this.#byte();
      let inside = 0;
      if (tag <= 0x1f) this.#skipCharacters(tag);
      else if (tag >= 0x80) this.at += FIXED_TAIL[tag]!;
      else {
        switch (tag) {
          case 0x43: // a class definition stands before its value
            this.#defineClass();
            continue;
          case END:
            if (depth === 0 || pending[depth - 1] !== UNTIL_Z) throw MALFORMED;
            depth--;
            break;
          case MAP:
          case 0x57:
            inside = UNTIL_Z;
            break;
          case TYPED_MAP:
          case 0x55:
            this.skipType();
            inside = UNTIL_Z;
            break;
          case 0x56:
            this.skipType();
            inside = this.#count();
            break;
          case 0x58:
            inside = this.#count();
            break;
          case 0x4f:
            inside = this.#fields(this.int());
            break;
          case 0x51:
            this.int();
            break;
          default:
            if (tag >= 0x60 && tag <= 0x6f) inside = this.#fields(tag - 0x60);
            else if (tag >= 0x70 && tag <= 0x77) {
              this.skipType();
              inside = tag - 0x70;
            } else if (tag >= 0x78) inside = tag - 0x78;
            else this.#skipLeaf(tag);
        }
      }
      if (inside !== 0) {
        if (depth === MAX_DEPTH) throw MALFORMED;
        pending[depth++] = inside;
        continue;
      }
      while (depth > 0) {
        const left = pending[depth - 1]!;
        if (left === UNTIL_Z) break;
        if (left > 1) {
          pending[depth - 1] = left - 1;
          break;
        }
        depth--;
      }
      if (depth === 0) break;
    }
    if (this.at > this.#end) throw MALFORMED;
  }

  /** Over a type: its name, or the number of an earlier one. */
  skipType(): void {
    if (isStringTag(this.peek())) this.skip();
    else this.int();
  }

  #skipLeaf(tag: number): void {
    const tail = FIXED_TAIL[tag]!;
    if (tail >= 0) {
      this.at += tail;
      return;
    }
    this.at--;
    if (isStringTag(tag)) {
      while (this.peek() === 0x52) this.#skipCharacters(this.#stringLength());
      this.#skipCharacters(this.#stringLength());
    } else this.#skipBinary();
  }

  #skipBinary(): void {
    for (;;) {
      const tag = this.#byte();
      let length: number;
      if (tag >= 0x20 && tag <= 0x2f) length = tag - 0x20;
      else if (tag >= 0x34 && tag <= 0x37) length = ((tag - 0x34) << 8) + this.#byte();
      else if (tag === 0x41 || tag === 0x42) length = (this.#byte() << 8) + this.#byte();
      else throw MALFORMED;
      this.at += length;
      if (tag !== 0x41) return;
    }
  }

  #defineClass(): void {
    if (!isStringTag(this.peek())) throw MALFORMED;
    this.skip();
    const fields = this.#count();
    for (let i = 0; i < fields; i++) {
      if (!isStringTag(this.peek())) throw MALFORMED;
      this.skip();
    }
    if (this.#classes.length === MAX_CLASSES) throw MALFORMED;
    this.#classes.push(fields);
  }

  #fields(index: number): number {
    const fields = this.#classes[index];
    if (fields === undefined) throw MALFORMED;
    return fields;
  }

  #count(): number {
    const count = this.int();
    if (count < 0) throw MALFORMED;
    return count;
  }

  #byte(): number {
    if (this.at >= this.#end) throw MALFORMED;
    return this.#frame[this.at++]!;
  }

  /** Reads the length of the next chunk, in UTF-16 units. */
  #stringLength(): number {
    const tag = this.#byte();
    if (tag <= 0x1f) return tag;
    if (tag >= 0x30 && tag <= 0x33) return ((tag - 0x30) << 8) + this.#byte();
    if (tag === 0x52 || tag === 0x53) return (this.#byte() << 8) + this.#byte();
    throw MALFORMED;
  }

  #skipCharacters(count: number): void {
    const frame = this.#frame;
    let at = this.at;
    let i = 0;
    // Four at a time while they are ASCII. Beyond the end there is undefined, which is 0 here and found out below.
    for (; i + 4 <= count; i += 4, at += 4) {
      if ((frame[at]! | frame[at + 1]! | frame[at + 2]! | frame[at + 3]!) > 0x7f) break;
    }
    for (; i < count; i++) {
      const byte = frame[at]!;
      if (byte < 0x80) at++;
      else if ((byte & 0xe0) === 0xc0) at += 2;
      else if ((byte & 0xf0) === 0xe0) at += 3;
      else throw MALFORMED;
    }
    if (at > this.#end) throw MALFORMED;
    this.at = at;
  }

  #chunkedString(): string {
    let text = '';
    for (;;) {
      const last = this.peek() !== 0x52;
      const length = this.#stringLength();
      const from = this.at;
      this.#skipCharacters(length);
      text += decodeUtf16(this.#frame, from, this.at);
      if (last) return text;
    }
  }
}

const EMPTY = Buffer.alloc(0);

/** Bytes after the tag, of tags whose values are of fixed length; -1: it is in the value, or there is no such tag. */
const FIXED_TAIL = new Int8Array(256).fill(-1);
for (let tag = 0x38; tag <= 0x3f; tag++) FIXED_TAIL[tag] = 2;
for (const tag of [0x46, NULL, 0x54, 0x5b, 0x5c]) FIXED_TAIL[tag] = 0;
for (const tag of [0x44, 0x4a, 0x4c]) FIXED_TAIL[tag] = 8;
for (const tag of [0x49, 0x4b, 0x59, 0x5f]) FIXED_TAIL[tag] = 4;
FIXED_TAIL[0x5d] = 1;
FIXED_TAIL[0x5e] = 2;
FIXED_TAIL.fill(0, 0x80, 0xc0).fill(1, 0xc0, 0xd0).fill(2, 0xd0, 0xd8).fill(0, 0xd8, 0xf0).fill(1, 0xf0, 0x100);

/** From one to three bytes a UTF-16 unit: plain UTF-8 would take surrogates for errors. */
function decodeUtf16(frame: Buffer, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; ) {
    const byte = frame[at]!;
    if (byte < 0x80) {
      text += String.fromCharCode(byte);
      at++;
    } else if ((byte & 0xe0) === 0xc0) {
      text += String.fromCharCode(((byte & 0x1f) << 6) | (frame[at + 1]! & 0x3f));
      at += 2;
    } else {
      text += String.fromCharCode(((byte & 0x0f) << 12) | ((frame[at + 1]! & 0x3f) << 6) | (frame[at + 2]! & 0x3f));
      at += 3;
    }
  }
  return text;
}
