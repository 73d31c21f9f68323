/**
 * Attachments set and deleted in a Hessian body, as edits of its bytes: nothing is decoded and encoded again, which no
 * library does byte for byte.
 *
 * - Set: the new entry goes before the map's end mark. Of two entries with the same key the later wins in the map that
 *   every reader builds. In a frame of some size that is all, since to find an earlier entry the arguments would have to be
 *   walked; in a small one an earlier entry of the same key is cut out, so that hop after hop does not pile them up.
 * - Delete: every entry of that key, lower-cased, is cut out. One whose value is no plain value is overridden by null
 *   instead: later values may refer to what it defines or count it.
 * - Attachments that are null or missing become a map. A typed map stays one.
 * - A reply without attachments gets them at its end, and its kind says so: 0 → 3, 1 → 4, 2 → 5.
 */
import { byteLength, type Message, type Mutation, type Slab } from '../../../../src/message/index.js';
import { HEADER_BYTES, isRequest, REPLY_KIND } from '../header.js';
import { attachmentsOf, viewOf } from '../reader.js';
import { byteAt, type Edit } from '../splice.js';
import { hessianBody, replyKind } from './body.js';
import { END, isStringTag, MAP, NULL, TYPED_MAP } from './scanner.js';
import { hessianStringBytes, writeHessianString } from './writer.js';

/** Frames up to this size are read before they are changed. */
const READ_UP_TO = 4096;

/** @throws Error - the frame cannot be changed so, and why. */
export function hessianEdits(message: Message, mutation: Mutation, slab: Slab): Edit[] {
  if (isRequest(message.tag)) return editsOfMap(message, mutation, slab);
  const kind = replyKind(byteAt(message.bytes, HEADER_BYTES));
  if (kind >= REPLY_KIND.WITH_ATTACHMENTS) return editsOfMap(message, mutation, slab);
  const map = newMap(mutation, slab);
  if (kind < 0 || map === undefined) return [];
  return [
    { at: HEADER_BYTES, remove: 1, insert: Buffer.of(0x90 + kind + REPLY_KIND.WITH_ATTACHMENTS) },
    { at: byteLength(message.bytes), remove: 0, insert: map },
  ];
}

function editsOfMap(message: Message, mutation: Mutation, slab: Slab): Edit[] {
  const total = byteLength(message.bytes);
  if (total > READ_UP_TO && !deletes(mutation) && byteAt(message.bytes, total - 1) === END) {
    return [{ at: total - 1, remove: 0, insert: entries(mutation, [], slab) }];
  }
  const index = attachmentsOf(message);
  const view = viewOf(message);
  const at = view.attachmentsAt;
  const tag = at === 0 ? 0 : byteAt(message.bytes, at);
  if (tag === NULL || tag === -1) {
    const map = newMap(mutation, slab);
    return map === undefined ? [] : [{ at, remove: tag === NULL ? 1 : 0, insert: map }];
  }
  if (tag !== MAP && tag !== TYPED_MAP) throw new Error('the body is no Hessian 2 that attachments can be found in');
  const edits: Edit[] = [];
  const nulls: string[] = [];
  cut(message.bytes[0]!, index, mutation, edits, nulls);
  const insert = entries(mutation, nulls, slab);
  if (insert !== undefined) edits.push({ at: index.at(-1)!, remove: 0, insert });
  return edits;
}

function cut(frame: Buffer, index: readonly number[], mutation: Mutation, edits: Edit[], nulls: string[]): void {
  for (let i = 0; i + 1 < index.length; i += 2) {
    const keyAt = index[i]!;
    const key = hessianBody.stringAt(frame, keyAt);
    if (key === undefined || !isReplaced(key, mutation)) continue;
    if (isPlain(frame[index[i + 1]!]!)) edits.push({ at: keyAt, remove: index[i + 2]! - keyAt, insert: undefined });
    else nulls.push(key);
  }
}

function isReplaced(key: string, mutation: Mutation): boolean {
  const lowerKey = key.toLowerCase();
  for (const [changed, value] of mutation.entries()) {
    if (changed === key || (value === undefined && changed.toLowerCase() === lowerKey)) return true;
  }
  return false;
}

/** Values that no later one can refer to: neither containers nor references, nor behind a class definition. */
function isPlain(tag: number): boolean {
  return isStringTag(tag) || tag === NULL || tag >= 0x80 || NUMBERS_AND_BYTES.has(tag) || (tag >= 0x20 && tag <= 0x3f);
}

const NUMBERS_AND_BYTES = new Set([
  0x41, 0x42, 0x44, 0x46, 0x49, 0x4a, 0x4b, 0x4c, 0x54, 0x59, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f,
]);

function deletes(mutation: Mutation): boolean {
  for (const [, value] of mutation.entries()) if (value === undefined) return true;
  return false;
}

/** What is set, as an untyped map; undefined if nothing is. */
function newMap(mutation: Mutation, slab: Slab): Buffer | undefined {
  const inside = entries(mutation, [], slab);
  return inside === undefined ? undefined : Buffer.concat([Buffer.of(MAP), inside, Buffer.of(END)]);
}

function entries(mutation: Mutation, nulls: readonly string[], slab: Slab): Buffer | undefined {
  let bytes = 0;
  for (const key of nulls) bytes += hessianStringBytes(key) + 1;
  for (const [key, value] of mutation.entries()) {
    if (value !== undefined) bytes += hessianStringBytes(key) + hessianStringBytes(value);
  }
  if (bytes === 0) return undefined;
  const piece = slab.take(bytes);
  let at = 0;
  for (const key of nulls) {
    at = writeHessianString(piece, at, key);
    piece[at++] = NULL;
  }
  for (const [key, value] of mutation.entries()) {
    if (value !== undefined) at = writeHessianString(piece, writeHessianString(piece, at, key), value);
  }
  return piece;
}
