/**
 * Headers in protobuf's wire format, read field by field where they lie: a codec wants two or three of a dozen fields, and
 * edits one without disturbing the others, unknown ones included. A library would build objects of all of them.
 *
 * A varint has seven bits a byte, least significant first. A field begins with one: its number and, in the low three bits,
 * how its value is written: 0 a varint, 1 and 5 eight and four bytes, 2 a length and so many bytes. Groups (3 up to a 4 of the
 * same number), which nobody writes any more, are stepped over, as all receivers do: what they hide from us they would hide
 * from rules. A field number of 0, and whatever runs over the end, make the header malformed.
 */
export class FieldReader {
  /** Of the field that {@link next} has come to; from 1. */
  number = 0;
  /** How its value is written. */
  wireType = 0;
  /** Where the field begins, its number included, and where it ends. */
  start = 0;
  end = 0;
  /** Where its bytes begin, if it has a length: they end at {@link end}. */
  at = 0;
  /** A varint's low and high 32 bits, unsigned; 0 for fields of another type. */
  low = 0;
  high = 0;
  /** What was read up to here can be trusted; the rest is no such format. */
  malformed = false;
  #bytes: Uint8Array = NO_BYTES;
  #limit = 0;

  /** From `from` up to `limit`, both inside `bytes`. */
  open(bytes: Uint8Array, from: number, limit: number): this {
    this.#bytes = bytes;
    this.#limit = limit;
    this.end = from;
    this.malformed = false;
    return this;
  }

  /** Comes to the next field; false at the end, or if there is none that can be read. */
  next(): boolean {
    const limit = this.#limit;
    const start = this.end;
    if (start >= limit) return false;
    this.start = start;
    const bytes = this.#bytes;
    const first = bytes[start]!;
    let at = start + 1;
    let tag = first;
    if (first > 0x7f) {
      at = this.#varint(start);
      if (at < 0 || this.high !== 0) return this.#broken();
      tag = this.low;
    }
    this.number = tag >>> 3;
    this.wireType = tag & 7;
    this.low = 0;
    this.high = 0;
    if (this.number === 0) return this.#broken();
    switch (this.wireType) {
      case 0:
        at = this.#varint(at);
        if (at < 0) return this.#broken();
        break;
      case 2: {
        at = this.#varint(at);
        if (at < 0 || this.high !== 0 || this.low > limit - at) return this.#broken();
        this.at = at;
        at += this.low;
        break;
      }
      case 1:
        at += 8;
        break;
      case 5:
        at += 4;
        break;
      case 3:
        at = this.#group(at, this.number, 0);
        if (at < 0) return this.#broken();
        this.low = 0;
        this.high = 0;
        break;
      default:
        return this.#broken();
    }
    if (at > limit) return this.#broken();
    this.end = at;
    return true;
  }

  /** Bytes of a field that has a length. */
  get length(): number {
    return this.end - this.at;
  }

  #broken(): false {
    this.malformed = true;
    this.end = this.#limit;
    return false;
  }

  /** @returns where the group of that number ends; negative if it doesn't, or nests deeper than receivers follow */
  #group(from: number, number: number, depth: number): number {
    let at = from;
    while (at <= this.#limit) {
      at = this.#varint(at);
      if (at < 0 || this.high !== 0 || this.low < 8) return -1;
      const inner = this.low >>> 3;
      switch (this.low & 7) {
        case 0:
          at = this.#varint(at);
          break;
        case 1:
          at += 8;
          break;
        case 2:
          at = this.#varint(at);
          if (at >= 0) at = this.high === 0 ? at + this.low : -1;
          break;
        case 3:
          at = depth < MAX_GROUPS ? this.#group(at, inner, depth + 1) : -1;
          break;
        case 4:
          return inner === number ? at : -1;
        case 5:
          at += 4;
          break;
        default:
          return -1;
      }
      if (at < 0) return -1;
    }
    return -1;
  }

  /** @returns where it ends; negative if it doesn't within the limit, or in ten bytes */
  #varint(at: number): number {
    const bytes = this.#bytes;
    const limit = this.#limit;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70 && at < limit; shift += 7) {
      const byte = bytes[at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte > 0x7f) continue;
      this.low = low >>> 0;
      this.high = high >>> 0;
      return at;
    }
    return -1;
  }
}

/** As deep as Java and C++ read. */
const MAX_GROUPS = 100;

/** Bytes of a 32-bit number as a varint. */
export function varintLength(value: number): number {
  const v = value >>> 0;
  return v < 0x80 ? 1 : v < 0x4000 ? 2 : v < 0x200000 ? 3 : v < 0x10000000 ? 4 : 5;
}

/** @returns where it ends */
export function writeVarint(to: Uint8Array, at: number, value: number): number {
  let v = value >>> 0;
  while (v > 0x7f) {
    to[at++] = (v & 0x7f) | 0x80;
    v >>>= 7;
  }
  to[at] = v;
  return at + 1;
}

/** Bytes of a 64-bit number, given as two halves, as a varint. */
export function varint64Length(high: number, low: number): number {
  const h = high >>> 0;
  if (h === 0) return varintLength(low);
  return h < 0x8 ? 5 : h < 0x400 ? 6 : h < 0x20000 ? 7 : h < 0x1000000 ? 8 : h < 0x80000000 ? 9 : 10;
}

/** @returns where it ends */
export function writeVarint64(to: Uint8Array, at: number, high: number, low: number): number {
  let h = high >>> 0;
  let l = low >>> 0;
  while (h > 0) {
    to[at++] = (l & 0x7f) | 0x80;
    l = ((l >>> 7) | (h << 25)) >>> 0;
    h >>>= 7;
  }
  return writeVarint(to, at, l);
}

const NO_BYTES = new Uint8Array(0);
