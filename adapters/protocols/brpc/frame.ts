import { varint64Length, varintLength, writeVarint, writeVarint64 } from '../../../src/message/index.js';
import { FIXED_BYTES, META, RESPONSE } from './meta.js';

const MAX_TEXT = 1000;
export const MAGIC = Buffer.from('PRPC');

/** @param total - of the whole frame. @param metaEnd - where its meta ends */
export function writeFixed(to: Buffer, total: number, metaEnd: number, magic = MAGIC): void {
  magic.copy(to);
  to.writeUInt32BE(total - FIXED_BYTES, 4);
  to.writeUInt32BE(metaEnd - FIXED_BYTES, 8);
}

/** A field of 64 bits, 0 written out: brpc-java's first call has that id, and says so. */
export function varintField(number: number, high: number, low: number): Buffer {
  const field = Buffer.allocUnsafe(1 + varint64Length(high, low));
  field[0] = number << 3;
  writeVarint64(field, 1, high, low);
  return field;
}

/** A reply of the framework: a code, a text, and the id, without which a C++ client waits for its timeout. */
export function errorReply(code: number, reason: string, idHigh: number, idLow: number): Buffer {
  const text = Buffer.from(`meltemi: ${reason}`.slice(0, MAX_TEXT));
  const length = 1 + varintLength(code) + 1 + varintLength(text.length) + text.length;
  const id = varintField(META.ID, idHigh, idLow);
  const frame = Buffer.allocUnsafe(FIXED_BYTES + 1 + varintLength(length) + length + id.length);
  frame[FIXED_BYTES] = (META.RESPONSE << 3) | 2;
  let at = writeVarint(frame, FIXED_BYTES + 1, length);
  frame[at] = RESPONSE.CODE << 3;
  at = writeVarint(frame, at + 1, code);
  frame[at] = (RESPONSE.TEXT << 3) | 2;
  at = writeVarint(frame, at + 1, text.length);
  at += text.copy(frame, at);
  id.copy(frame, at);
  writeFixed(frame, frame.length, frame.length);
  return frame;
}
