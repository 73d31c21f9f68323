/**
 * Thrift's own error, the struct {1: string message, 2: i32 type}: what servers answer to what they cannot call, and what the
 * mesh answers to what it refuses. Clients raise it as TApplicationException.
 */
import { type Message, varintLength, writeVarint } from '../../../src/message/index.js';
import { headBytes } from './name.js';
import type { View } from './view.js';
import { ENCODING, encodingOf, readInt32, readUint16, writeInt32 } from './wire.js';

/** Types that the mesh uses. There are others, and a missing one means 0, unknown. */
export const APPLICATION_ERROR = { UNKNOWN_METHOD: 1, INTERNAL_ERROR: 6, PROTOCOL_ERROR: 7 } as const;

/** What is read of a struct in JSON, for its type. */
const MAX_JSON_BYTES = 65_536;

/** The type in an exception message; undefined if it cannot be read. */
export function applicationErrorOf(message: Message): number | undefined {
  const bytes = headBytes(message);
  const { bodyAt } = message.view as View;
  switch (encodingOf(message.tag)) {
    case ENCODING.COMPACT:
      return compactType(bytes, bodyAt);
    case ENCODING.JSON:
      return jsonType(bytes, bodyAt);
    default:
      return binaryType(bytes, bodyAt);
  }
}

function binaryType(bytes: Buffer, at: number): number | undefined {
  while (at < bytes.length) {
    const type = bytes[at]!;
    if (type === 0) return 0;
    if (at + 7 > bytes.length) return undefined;
    const value = readInt32(bytes, at + 3);
    if (type === 8) {
      if (readUint16(bytes, at + 1) === 2) return value;
      at += 7;
    } else if (type === 11 && value >= 0) at += 7 + value;
    else return undefined;
  }
  return undefined;
}

function compactType(bytes: Buffer, at: number): number | undefined {
  let id = 0;
  while (at < bytes.length) {
    const field = bytes[at++]!;
    if (field === 0) return 0;
    // Real ones have ids in order, so no id is ever written in full.
    if (field >> 4 === 0) return undefined;
    id += field >> 4;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const type = field & 0x0f;
    if (type === 5 && id === 2) return (value >>> 1) ^ -(value & 1);
    if (type === 8 && value >= 0) at += value;
    else if (type !== 5) return undefined;
  }
  return undefined;
}

function jsonType(bytes: Buffer, at: number): number | undefined {
  const end = bytes.length - 1;
  if (end - at > MAX_JSON_BYTES) return undefined;
  try {
    const struct = JSON.parse(bytes.toString('utf8', at, end)) as { 2?: { i32?: unknown } };
    const type = struct[2]?.i32 ?? 0;
    return typeof type === 'number' ? type : undefined;
  } catch {
    return undefined;
  }
}

/** The struct with both fields. */
export function applicationError(encoding: number, text: string, type: number): Buffer {
  if (encoding === ENCODING.JSON) {
    return Buffer.from(`{"1":{"str":${JSON.stringify(text)}},"2":{"i32":${type}}}]`);
  }
  const length = Buffer.byteLength(text);
  if (encoding === ENCODING.COMPACT) {
    const textAt = 1 + varintLength(length);
    const struct = Buffer.alloc(textAt + length + 3);
    struct[0] = 0x18;
    writeVarint(struct, 1, length);
    struct.write(text, textAt);
    struct[textAt + length] = 0x15;
    struct[textAt + length + 1] = 2 * type;
    return struct;
  }
  const struct = Buffer.alloc(7 + length + 8);
  struct[0] = 11;
  struct[2] = 1;
  writeInt32(struct, 3, length);
  struct.write(text, 7);
  struct[7 + length] = 8;
  struct[7 + length + 2] = 2;
  writeInt32(struct, 7 + length + 3, type);
  return struct;
}
