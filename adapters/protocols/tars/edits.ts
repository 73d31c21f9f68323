/**
 * A packet with another id, pairs or timeout. Integers change their length with their value, so the part before the body
 * is written anew around the id, and what follows the body where something of it changes; the body is never touched.
 */
import {
  type Bytes,
  byteLength,
  COPY_FRAME_UP_TO,
  type Message,
  type Mutation,
  type Slab,
} from '../../../src/message/index.js';
import { FieldWalker, intField, mapField, textField } from './fields.js';
import { type Head, LENGTH_BYTES, REQUEST, RESPONSE, readTail, tailOf } from './head.js';
import { eachPair } from './pairs.js';

/** In a mutation: the timeout of the packet, which is no pair. No key that is on a wire begins so. */
export const TIMEOUT_KEY = '\0timeout';

export function edited(message: Message, head: Head, id: number, mutation: Mutation | undefined, slab: Slab): Bytes {
  const { bytes } = message;
  const first = bytes[0]!;
  const single = bytes.length === 1;
  const idField = intField(head.likeRequest ? REQUEST.ID : RESPONSE.ID, id | 0);
  const middle = first.subarray(head.idEnd, single ? head.tailAt : first.length);
  const tail =
    mutation === undefined || mutation.size === 0
      ? tailOf(bytes).subarray(head.tailAt)
      : changedTail(message, head, mutation);
  const between = bytes.slice(1, -1);
  const total = head.idAt + idField.length + middle.length + byteLength(between) + tail.length;
  const small = total <= COPY_FRAME_UP_TO && single;
  const front = slab.take(small ? total : head.idAt + idField.length);
  front.writeUInt32BE(total, 0);
  first.copy(front, LENGTH_BYTES, LENGTH_BYTES, head.idAt);
  let at = head.idAt + idField.copy(front, head.idAt);
  if (!small) return [front, middle, ...between, tail];
  at += middle.copy(front, at);
  tail.copy(front, at);
  return [front];
}

/**
 * Fields behind the body in the order of their tags, as readers expect them; those that do not change byte for byte.
 * @throws Error - they cannot be read
 */
function changedTail(message: Message, head: Head, mutation: Mutation): Buffer {
  const tail = tailOf(message.bytes);
  if (readTail(message.bytes, head).tailMalformed) {
    // Peers may read more of it than is read here: what a rule takes out must not get through.
    if (mutation.size > 1 || mutation.keyAt(0) !== TIMEOUT_KEY) {
      throw new Error('no attribute can be set in this TARS packet: what follows its body cannot be read to its end');
    }
    return tail.subarray(head.tailAt);
  }
  const tags = head.likeRequest ? REQUEST : RESPONSE;
  const fields = new Map<number, Buffer>();
  const walker = new FieldWalker().open(tail, head.tailAt, tail.length);
  while (walker.next()) fields.set(walker.tag, tail.subarray(walker.start, walker.at));
  const timeout = mutation.lookup(TIMEOUT_KEY);
  if (head.likeRequest && typeof timeout === 'string')
    fields.set(REQUEST.TIMEOUT, intField(REQUEST.TIMEOUT, Number(timeout)));
  const pairs = changedPairs(tail, head, mutation);
  if (pairs !== undefined) fields.set(tags.CONTEXT, mapField(tags.CONTEXT, pairs));
  return Buffer.concat([...fields].sort(([a], [b]) => a - b).map(([, field]) => field));
}

/** Undefined: none of them changes. Pairs that are taken out and set again come last. */
function changedPairs(tail: Buffer, { contextAt, contextEnd }: Head, mutation: Mutation): Buffer[] | undefined {
  const kept: Buffer[] = [];
  let changed = false;
  eachPair(tail, contextAt, contextEnd, (key, _value, from, to) => {
    if (mutation.lookup(key) !== undefined) changed = true;
    else kept.push(EMPTY, tail.subarray(from, to));
  });
  for (const [key, value] of mutation.entries()) {
    if (key === TIMEOUT_KEY || value === undefined) continue;
    kept.push(textField(0, key), textField(1, value));
    changed = true;
  }
  return changed ? kept : undefined;
}

const EMPTY = Buffer.alloc(0);
