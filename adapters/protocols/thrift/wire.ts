/**
 * What is the same for all of Thrift's transports and encodings, and how a message remembers which of them it came in.
 *
 *     framed    length u32 | message
 *     unframed  message
 *     THeader   length u32 | 0fff | flags u16 | seq i32 | words u16 | header, 4 × words bytes | message
 *     TTHeader  length u32 | 1000 | flags u16 | seq i32 | words u16 | header, 4 × words bytes | [length u32] | message
 *
 * The length counts what comes after it. TTHeader is Kitex's; its message may be framed once more.
 */
export const TRANSPORT = { FRAMED: 0, UNFRAMED: 1, THEADER: 2, TTHEADER: 3 } as const;
export type Transport = (typeof TRANSPORT)[keyof typeof TRANSPORT];

/**
 *     strict   8001 00 type u8 | name length i32, name | seq i32 | struct
 *     old      name length i32, name | type u8 | seq i32 | struct
 *     compact  82 | type << 5 | 1 | seq varint, not zigzag | name length varint, name | struct
 *     JSON     [1,"name",type,seq,{…}]
 */
export const ENCODING = { STRICT: 0, OLD: 1, COMPACT: 2, JSON: 3 } as const;
export type Encoding = (typeof ENCODING)[keyof typeof ENCODING];

export const TYPE = { CALL: 1, REPLY: 2, EXCEPTION: 3, ONEWAY: 4 } as const;

export const THEADER_MAGIC = 0x0fff;
export const TTHEADER_MAGIC = 0x1000;
/** Where a header's own parts stand, counted from the frame's start. */
export const HEADER = { FLAGS: 6, SEQ: 8, WORDS: 12, START: 14 } as const;

/** Longest name of a method, its service included. Real ones are below 200 bytes. */
export const MAX_NAME_BYTES = 4096;

const TRANSPORT_SHIFT = 3;
const ENCODING_SHIFT = 5;
const DECLARED = 0x80;
const PACKED = 0x100;
const INNER_FRAME = 0x200;

/** `Message.tag` of a Thrift message. */
export function tagOf(transport: Transport, encoding: Encoding, type: number): number {
  return type | (transport << TRANSPORT_SHIFT) | (encoding << ENCODING_SHIFT);
}

export function typeOf(tag: number): number {
  return tag & 7;
}

export function transportOf(tag: number): Transport {
  return ((tag >> TRANSPORT_SHIFT) & 3) as Transport;
}

export function encodingOf(tag: number): Encoding {
  return ((tag >> ENCODING_SHIFT) & 3) as Encoding;
}

/** A reply with an exception that its method declares. */
export function isDeclared(tag: number): boolean {
  return (tag & DECLARED) !== 0;
}

export function withDeclared(tag: number): number {
  return tag | DECLARED;
}

/** The message is zlib'd. */
export function isPacked(tag: number): boolean {
  return (tag & PACKED) !== 0;
}

export function withPacked(tag: number): number {
  return tag | PACKED;
}

/** The message inside a TTHeader has a length of its own. */
export function hasInnerFrame(tag: number): boolean {
  return (tag & INNER_FRAME) !== 0;
}

export function withInnerFrame(tag: number): number {
  return tag | INNER_FRAME;
}

/** Has it a header with pairs? */
export function hasHeader(tag: number): boolean {
  return (tag & (2 << TRANSPORT_SHIFT)) !== 0;
}

export function readInt32(from: Uint8Array, at: number): number {
  return (from[at]! << 24) | (from[at + 1]! << 16) | (from[at + 2]! << 8) | from[at + 3]!;
}

export function readUint16(from: Uint8Array, at: number): number {
  return (from[at]! << 8) | from[at + 1]!;
}

export function writeInt32(to: Uint8Array, at: number, value: number): void {
  to[at] = value >> 24;
  to[at + 1] = value >> 16;
  to[at + 2] = value >> 8;
  to[at + 3] = value;
}

export function writeUint16(to: Uint8Array, at: number, value: number): void {
  to[at] = value >> 8;
  to[at + 1] = value;
}
