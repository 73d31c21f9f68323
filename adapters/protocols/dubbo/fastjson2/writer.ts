/** Writes JSONB strings, the only values that mutations and rejections need. */

import { writeInt32 } from '../header.js';

/** Longest string whose length is part of its tag. */
const SHORT = 47;

/** `text` as a JSONB string. */
export function jsonbString(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const ascii = bytes.length === text.length;
  if (ascii && bytes.length <= SHORT) return Buffer.concat([Buffer.of(0x49 + bytes.length), bytes]);
  return Buffer.concat([Buffer.of(ascii ? 0x79 : 0x7a), jsonbInt(bytes.length), bytes]);
}

/** As a part of a body: behind its length. */
export function jsonbPart(text: string): Buffer {
  const value = jsonbString(text);
  return Buffer.concat([int32(value.length), value]);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  writeInt32(bytes, 0, value);
  return bytes;
}

/** A number from 0 up, as short as fastjson2 writes it. */
function jsonbInt(value: number): Buffer {
  if (value <= 47) return Buffer.of(value);
  if (value < 0x800) return Buffer.of(0x38 + (value >> 8), value);
  if (value < 0x40000) return Buffer.of(0x44 + (value >> 16), value >> 8, value);
  return Buffer.of(0x48, value >> 24, value >> 16, value >> 8, value);
}
