/**
 * The head of a message, up to and with what its body begins with: type, name, seq, and of a reply whether it is an exception
 * that the method declares. That needs no IDL: the result struct has the result as field 0 and exceptions as other
 * fields, and only one of them is set; an empty struct is a void method's success.
 */
import { ProtocolError } from '../../../src/message/index.js';
import type { View } from './view.js';
import { ENCODING, type Encoding, MAX_NAME_BYTES, readInt32, TYPE, withDeclared } from './wire.js';

/** The head goes on behind what is there. */
export const MORE = 0;

/** Which encoding the message at `at` is in, by its first bytes. Two of them must be there. */
export function encodingAt(bytes: Buffer, at: number): Encoding {
  const first = bytes[at]!;
  if (first === 0x80 && bytes[at + 1] === 0x01) return ENCODING.STRICT;
  if (first === 0x82 && (bytes[at + 1]! & 0x1f) === 1) return ENCODING.COMPACT;
  if (first === 0x5b) return ENCODING.JSON;
  if (first === 0) return ENCODING.OLD;
  throw new ProtocolError(`no Thrift message: it begins with 0x${bytes.toString('hex', at, at + 2)}`);
}

/**
 * Reads the head at `view.messageAt`, or at 0 of what was inflated, into `view`.
 * @param bytes - what is there of the frame, from its start
 * @param tag - the tag as far as it is known
 * @returns the tag with type and declared, or {@link MORE}
 * @throws ProtocolError - it is no Thrift message
 */
export function readHead(bytes: Buffer, at: number, encoding: Encoding, tag: number, view: View): number {
  switch (encoding) {
    case ENCODING.STRICT:
      return strict(bytes, at, tag, view);
    case ENCODING.OLD:
      return old(bytes, at, tag, view);
    case ENCODING.COMPACT:
      return compact(bytes, at, tag, view);
    default:
      return json(bytes, at, tag, view);
  }
}

function strict(bytes: Buffer, at: number, tag: number, view: View): number {
  if (at + 8 > bytes.length) return MORE;
  const seqAt = name(view, at + 8, readInt32(bytes, at + 4));
  return fixed(bytes, seqAt, typed(tag, bytes[at + 3]!), view);
}

function old(bytes: Buffer, at: number, tag: number, view: View): number {
  if (at + 4 > bytes.length) return MORE;
  const typeAt = name(view, at + 4, readInt32(bytes, at));
  return typeAt < bytes.length ? fixed(bytes, typeAt + 1, typed(tag, bytes[typeAt]!), view) : MORE;
}

/** What strict and old binary have in common: seq and the first field's header, type u8 and id i16. */
function fixed(bytes: Buffer, seqAt: number, tag: number, view: View): number {
  const bodyAt = seqAt + 4;
  if (bodyAt > bytes.length) return MORE;
  view.seqAt = seqAt;
  view.seqEnd = bodyAt;
  view.bodyAt = bodyAt;
  view.seq = readInt32(bytes, seqAt);
  if ((tag & 7) !== TYPE.REPLY) return tag;
  if (bodyAt >= bytes.length) return MORE;
  if (bytes[bodyAt] === 0) return tag;
  if (bodyAt + 3 > bytes.length) return MORE;
  return bytes[bodyAt + 1] === 0 && bytes[bodyAt + 2] === 0 ? tag : withDeclared(tag);
}

function compact(bytes: Buffer, at: number, tag: number, view: View): number {
  if (at + 2 > bytes.length) return MORE;
  const type = bytes[at + 1]! >> 5;
  const seqAt = at + 2;
  let end = varintEnd(bytes, seqAt);
  if (end === MORE) return MORE;
  view.seqAt = seqAt;
  view.seqEnd = end;
  view.seq = varint(bytes, seqAt, end);
  const nameAt = varintEnd(bytes, end);
  if (nameAt === MORE) return MORE;
  end = name(view, nameAt, varint(bytes, end, nameAt));
  view.bodyAt = end;
  const known = typed(tag, type);
  if (end > bytes.length) return MORE;
  if (type !== TYPE.REPLY) return known;
  if (end >= bytes.length) return MORE;
  const field = bytes[end]!;
  // A delta from field 0 that is not 0 is another field. A delta of 0 stands before the id in full.
  if (field === 0) return known;
  if (field >> 4 !== 0) return withDeclared(known);
  if (end + 1 >= bytes.length) return MORE;
  return bytes[end + 1] === 0 ? known : withDeclared(known);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const MINUS = 0x2d;

function json(bytes: Buffer, at: number, tag: number, view: View): number {
  // [1,"
  for (let i = 0; i < 4; i++) {
    if (at + i >= bytes.length) return MORE;
    if (bytes[at + i] !== JSON_START[i])
      throw new ProtocolError('no Thrift message: JSON that does not begin with [1,"');
  }
  const nameAt = at + 4;
  let i = nameAt;
  while (bytes[i] !== QUOTE) {
    if (bytes[i] === BACKSLASH) i++;
    if (++i - nameAt > MAX_NAME_BYTES) throw tooLong(i - nameAt);
    if (i >= bytes.length) return MORE;
  }
  name(view, nameAt, i - nameAt);
  if (i + 4 > bytes.length) return MORE;
  const type = bytes[i + 2]! - 0x30;
  if (bytes[i + 1] !== COMMA || bytes[i + 3] !== COMMA)
    throw new ProtocolError('no Thrift message: JSON without a type');
  const known = typed(tag, type);
  view.seqAt = i + 4;
  i = decimalEnd(bytes, view.seqAt);
  if (i === MORE) return MORE;
  view.seqEnd = i;
  view.seq = Number(bytes.toString('latin1', view.seqAt, i)) | 0;
  view.bodyAt = i + 1;
  if (type !== TYPE.REPLY) return known;
  // {"0":
  if (i + 3 >= bytes.length) return bytes[i + 2] === 0x7d ? known : MORE;
  if (bytes[i + 2] !== QUOTE) return known;
  if (i + 4 >= bytes.length) return MORE;
  return bytes[i + 3] === 0x30 && bytes[i + 4] === QUOTE ? known : withDeclared(known);
}

const JSON_START = Buffer.from('[1,"');

/** The comma behind the number at `at`. */
function decimalEnd(bytes: Buffer, at: number): number {
  let i = bytes[at] === MINUS ? at + 1 : at;
  const first = i;
  for (; i < bytes.length; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit >= 0 && digit <= 9 && i - first < 10) continue;
    if (bytes[i] === COMMA && i > first) return i;
    throw new ProtocolError('no Thrift message: JSON without a sequence id');
  }
  return MORE;
}

function typed(tag: number, type: number): number {
  if (type >= TYPE.CALL && type <= TYPE.ONEWAY) return tag | type;
  throw new ProtocolError(`no Thrift message: type ${type}; 1 to 4 are known`);
}

/** @returns where it ends */
function name(view: View, at: number, length: number): number {
  if (length < 0 || length > MAX_NAME_BYTES) throw tooLong(length);
  view.nameAt = at;
  view.nameLength = length;
  return at + length;
}

function tooLong(length: number): ProtocolError {
  return new ProtocolError(`a Thrift method's name of ${length} bytes; the limit is ${MAX_NAME_BYTES}`);
}

/** Where the varint at `at` ends, or {@link MORE}. */
function varintEnd(bytes: Buffer, at: number): number {
  for (let i = at; i < bytes.length; i++) {
    if (bytes[i]! < 0x80) return i + 1;
    if (i - at >= 4) throw new ProtocolError('a Thrift varint of more than 32 bits');
  }
  return MORE;
}

function varint(bytes: Buffer, at: number, end: number): number {
  let value = 0;
  for (let i = at, shift = 0; i < end; i++, shift += 7) value |= (bytes[i]! & 0x7f) << shift;
  return value;
}
