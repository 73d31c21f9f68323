/**
 * `mutate.ts` for a fastjson2 body: attachments are its last part, so beside them only that part's length changes. Parts
 * are found by their lengths, without joining the segments of a large frame.
 */
import { type Bytes, byteLength, type Message, type Mutation } from '../../../../src/message/index.js';
import { cutEntries, mustRead } from '../entries.js';
import { HEADER_BYTES, isRequest, REPLY_KIND } from '../header.js';
import { attachmentsOf, inOnePiece, viewOf } from '../reader.js';
import { byteAt, type Edit } from '../splice.js';
import { argumentsOf, fastjson2Body, fastjson2ReplyKind, LENGTH_BYTES } from './body.js';
import { isPlain, NULL, OBJECT, OBJECT_END, TYPED } from './scanner.js';
import { int32, jsonbString } from './writer.js';

/** @throws Error - the frame cannot be changed so, and why. */
export function fastjson2Edits(message: Message, mutation: Mutation): readonly Edit[] {
  if (isRequest(message.tag)) return editsOfPart(message, requestAttachments(message), mutation);
  const { bytes } = message;
  const kind = fastjson2ReplyKind(bytes[0]!);
  if (kind < 0) return [];
  const value = after(bytes, HEADER_BYTES);
  if (kind >= REPLY_KIND.WITH_ATTACHMENTS) {
    const none = kind - REPLY_KIND.WITH_ATTACHMENTS === REPLY_KIND.NULL;
    return editsOfPart(message, none ? value : after(bytes, value), mutation);
  }
  const part = newPart(mutation);
  if (part === undefined) return [];
  return [
    { at: value - 1, remove: 1, insert: Buffer.of(kind + REPLY_KIND.WITH_ATTACHMENTS) },
    { at: byteLength(bytes), remove: 0, insert: part },
  ];
}

/** @param at - where the attachments' part stands, its length first; the end of the frame if there is none */
function editsOfPart(message: Message, at: number, mutation: Mutation): readonly Edit[] {
  const { bytes } = message;
  const total = byteLength(bytes);
  const tag = byteAt(bytes, at + LENGTH_BYTES);
  if (at === total || tag === NULL) {
    const part = newPart(mutation);
    return part === undefined ? [] : [{ at, remove: total - at, insert: part }];
  }
  if (after(bytes, at) !== total || (tag !== OBJECT && tag !== TYPED) || byteAt(bytes, total - 1) !== OBJECT_END) {
    throw unreadable();
  }
  const edits: Edit[] = [];
  let nulls: readonly string[] = [];
  if (mustRead(fastjson2Body, message, total, mutation)) {
    const index = attachmentsOf(message);
    if (index.length === 0) throw unreadable();
    nulls = cutEntries(fastjson2Body, message.bytes[0]!, index, mutation, isPlain, edits);
  }
  const insert = entries(mutation, nulls);
  if (insert.length > 0) edits.push({ at: total - 1, remove: 0, insert });
  if (edits.length === 0) return edits;
  let length = total - at - LENGTH_BYTES;
  for (const edit of edits) length += (edit.insert?.length ?? 0) - edit.remove;
  return [{ at, remove: LENGTH_BYTES, insert: int32(length) }, ...edits];
}

function requestAttachments(message: Message): number {
  const { typesAt } = viewOf(message);
  if (typesAt === 0) throw unreadable();
  let count = argumentsOf(message.bytes[0]!, typesAt);
  if (count < 0) count = argumentsOf(inOnePiece(message), typesAt);
  if (count < 0) throw unreadable();
  let at = after(message.bytes, typesAt);
  for (let i = 0; i < count; i++) at = after(message.bytes, at);
  return at;
}

/** Where the part at `at`, with its length, ends. */
function after(bytes: Bytes, at: number): number {
  let length = 0;
  for (let i = 0; i < LENGTH_BYTES; i++) length = (length << 8) | byteAt(bytes, at + i);
  const end = at + LENGTH_BYTES + length;
  if (length < 0 || end > byteLength(bytes)) throw unreadable();
  return end;
}

/** What is set, as a part of its own; undefined if nothing is. */
function newPart(mutation: Mutation): Buffer | undefined {
  const inside = entries(mutation, []);
  if (inside.length === 0) return undefined;
  return Buffer.concat([int32(inside.length + 2), Buffer.of(OBJECT), inside, Buffer.of(OBJECT_END)]);
}

function entries(mutation: Mutation, nulls: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  for (const key of nulls) parts.push(jsonbString(key), Buffer.of(NULL));
  for (let i = 0; i < mutation.size; i++) {
    const value = mutation.valueAt(i);
    if (value !== undefined) parts.push(jsonbString(mutation.keyAt(i)), jsonbString(value));
  }
  return Buffer.concat(parts);
}

function unreadable(): Error {
  return new Error('no attribute can be set: the body is no fastjson2 with attachments at its end');
}
