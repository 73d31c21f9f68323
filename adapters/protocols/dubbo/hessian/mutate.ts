/**
 * `mutate.ts` for a Hessian body. The map that attachments are ends the frame, with `Z`: what is only set goes before that
 * byte, and nothing else of a large frame is looked at.
 */
import { byteLength, type Message, type Mutation } from '../../../../src/message/index.js';
import { cutEntries, mustRead } from '../entries.js';
import { HEADER_BYTES, isRequest, REPLY_KIND } from '../header.js';
import { attachmentsOf, viewOf } from '../reader.js';
import { byteAt, type Edit } from '../splice.js';
import { hessianBody, replyKind } from './body.js';
import { END, isStringTag, MAP, NULL, TYPED_MAP } from './scanner.js';
import { hessianStringBytes, writeHessianString } from './writer.js';

/** @throws Error - the frame cannot be changed so, and why. */
export function hessianEdits(message: Message, mutation: Mutation): Edit[] {
  if (isRequest(message.tag)) return editsOfMap(message, mutation);
  const kind = replyKind(byteAt(message.bytes, HEADER_BYTES));
  if (kind >= REPLY_KIND.WITH_ATTACHMENTS) return editsOfMap(message, mutation);
  const map = newMap(mutation);
  if (kind < 0 || map === undefined) return [];
  return [
    { at: HEADER_BYTES, remove: 1, insert: Buffer.of(0x90 + kind + REPLY_KIND.WITH_ATTACHMENTS) },
    { at: byteLength(message.bytes), remove: 0, insert: map },
  ];
}

function editsOfMap(message: Message, mutation: Mutation): Edit[] {
  const total = byteLength(message.bytes);
  if (!mustRead(hessianBody, message, total, mutation) && byteAt(message.bytes, total - 1) === END) {
    return [{ at: total - 1, remove: 0, insert: entries(mutation, []) }];
  }
  const index = attachmentsOf(message);
  const view = viewOf(message);
  const at = view.attachmentsAt;
  const tag = at === 0 ? 0 : byteAt(message.bytes, at);
  if (tag === NULL || tag === -1) {
    const map = newMap(mutation);
    return map === undefined ? [] : [{ at, remove: tag === NULL ? 1 : 0, insert: map }];
  }
  if (tag !== MAP && tag !== TYPED_MAP)
    throw new Error('no attribute can be set: the body is no Hessian 2 with attachments at its end');
  const edits: Edit[] = [];
  const nulls = cutEntries(hessianBody, message.bytes[0]!, index, mutation, isPlain, edits);
  const insert = entries(mutation, nulls);
  if (insert !== undefined) edits.push({ at: index.at(-1)!, remove: 0, insert });
  return edits;
}

/** Values that no later one can refer to: neither containers nor references, nor behind a class definition. */
function isPlain(tag: number): boolean {
  return isStringTag(tag) || tag === NULL || tag >= 0x80 || NUMBERS_AND_BYTES.has(tag) || (tag >= 0x20 && tag <= 0x3f);
}

const NUMBERS_AND_BYTES = new Set([
  0x41, 0x42, 0x44, 0x46, 0x49, 0x4a, 0x4b, 0x4c, 0x54, 0x59, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f,
]);

/** What is set, as an untyped map; undefined if nothing is. */
function newMap(mutation: Mutation): Buffer | undefined {
  const inside = entries(mutation, []);
  return inside === undefined ? undefined : Buffer.concat([Buffer.of(MAP), inside, Buffer.of(END)]);
}

function entries(mutation: Mutation, nulls: readonly string[]): Buffer | undefined {
  let bytes = 0;
  for (const key of nulls) bytes += hessianStringBytes(key) + 1;
  for (let i = 0; i < mutation.size; i++) {
    const value = mutation.valueAt(i);
    if (value !== undefined) bytes += hessianStringBytes(mutation.keyAt(i)) + hessianStringBytes(value);
  }
  if (bytes === 0) return undefined;
  const piece = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const key of nulls) {
    at = writeHessianString(piece, at, key);
    piece[at++] = NULL;
  }
  for (let i = 0; i < mutation.size; i++) {
    const value = mutation.valueAt(i);
    if (value === undefined) continue;
    at = writeHessianString(piece, at, mutation.keyAt(i));
    at = writeHessianString(piece, at, value);
  }
  return piece;
}
