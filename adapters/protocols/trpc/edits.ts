/**
 * A frame's protobuf part is edited where it lies: unknown fields, order and bodies stay as they came. A pair that is set
 * goes to the end, where it counts, and earlier ones of its key are cut out, in any letter case; the timeout and the
 * request id are replaced in their places.
 */
import {
  type Bytes,
  byteLength,
  COPY_FRAME_UP_TO,
  encodedPair,
  keyIs,
  type Message,
  type Mutation,
  PAIR,
  type Slab,
  varintLength,
  writeVarint,
} from '../../../src/message/index.js';
import { FIXED_BYTES, FRAME, frameOf, isReply, MAX_HEADER_BYTES, writeSizes, writeStreamId } from './fixed-header.js';
import type { Head } from './head.js';
import { pairsOf } from './trans-info.js';

/** `insert` takes the place of the bytes from `from` up to `to`, counted from the frame's start. */
interface Edit {
  readonly from: number;
  readonly to: number;
  readonly insert: Buffer | undefined;
}

/**
 * The key by which a Mutation carries the header's own timeout, which is no pair: no attribute can be so called, since
 * rules and interceptors would have to write a NUL.
 */
export const TIMEOUT_KEY = '\0timeout';

const ID_TAG = 0x18;
const TIMEOUT_TAG = 0x20;
const META_TAG = 0x0a;

/** The frame under other ids, and with nothing else changed: what most calls need. */
export function renumbered(message: Message, head: Head, streamId: number, requestId: number, slab: Slab): Bytes {
  const { bytes } = message;
  const first = bytes[0]!;
  const at = head.id === 0 ? FIXED_BYTES : head.id;
  const after = head.id === 0 ? FIXED_BYTES : head.idEnd;
  const length = head.id === 0 && requestId === 0 ? 0 : 1 + varintLength(requestId);
  const delta = length - (after - at);
  const total = byteLength(bytes) + delta;
  const small = bytes.length === 1 && total <= COPY_FRAME_UP_TO;
  const out = slab.take(small ? total : head.end + delta);
  first.copy(out, 0, 0, at);
  if (length > 0) {
    out[at] = ID_TAG;
    writeVarint(out, at + 1, requestId);
  }
  first.copy(out, at + length, after, small ? first.length : head.end);
  writeSizes(out, total, headerBytes(head.end + delta));
  writeStreamId(out, streamId);
  return small ? [out] : rest(out, bytes, head.end);
}

/** The frame with these changes and ids. @throws Error - there is no room for them */
export function mutated(
  message: Message,
  head: Head,
  mutation: Mutation,
  streamId: number,
  requestId: number,
  slab: Slab,
): Bytes {
  const unary = frameOf(message.tag) === FRAME.UNARY;
  const edits = editsOf(message, head, mutation);
  if (unary) edits.push(field(ID_TAG, head.id, head.idEnd, requestId));
  edits.sort((a, b) => a.from - b.from || a.to - b.to);
  let delta = sizeOf(edits);
  if (frameOf(message.tag) === FRAME.INIT && delta !== 0) {
    const meta = metaLength(head, delta);
    delta += meta.insert!.length - (meta.to - meta.from);
    edits.unshift(meta);
  }
  return applied(message.bytes, unary, head.end, edits, delta, streamId, slab);
}

function editsOf({ bytes, tag }: Message, head: Head, mutation: Mutation): Edit[] {
  const frame = bytes[0]!;
  const pairs = pairsOf(frame, head);
  const edits: Edit[] = [];
  for (let i = 0; i < pairs.length; i += PAIR) {
    if (isMutated(frame, pairs[i + 2]!, pairs[i + 3]!, mutation)) {
      edits.push({ from: pairs[i]!, to: pairs[i + 1]!, insert: undefined });
    }
  }
  for (let i = 0; i < mutation.size; i++) {
    const key = mutation.keyAt(i);
    const value = mutation.valueAt(i);
    if (key === TIMEOUT_KEY) {
      if (frameOf(tag) !== FRAME.UNARY || isReply(tag)) continue;
      edits.push(field(TIMEOUT_TAG, head.timeout, head.timeoutEnd, Number(value)));
    } else if (value !== undefined) {
      edits.push({ from: head.end, to: head.end, insert: encodedPair(head.infoNumber, key, value) });
    }
  }
  return edits;
}

function isMutated(frame: Buffer, at: number, length: number, mutation: Mutation): boolean {
  for (let i = 0; i < mutation.size; i++) if (keyIs(frame, at, length, mutation.keyAt(i).toLowerCase())) return true;
  return false;
}

/** A number in its field's place, or at the header's beginning. */
function field(tag: number, from: number, to: number, value: number): Edit {
  const insert = Buffer.allocUnsafe(1 + varintLength(value));
  insert[0] = tag;
  writeVarint(insert, 1, value);
  return from === 0 ? { from: FIXED_BYTES, to: FIXED_BYTES, insert } : { from, to, insert };
}

/** In INIT the pairs are inside a field, whose length changes with them. */
function metaLength({ meta, metaAt, end }: Head, delta: number): Edit {
  if (meta === 0) throw new Error('an INIT frame without request meta has no place for attributes');
  const length = end - metaAt + delta;
  const insert = Buffer.allocUnsafe(1 + varintLength(length));
  insert[0] = META_TAG;
  writeVarint(insert, 1, length);
  return { from: meta, to: metaAt, insert };
}

function sizeOf(edits: readonly Edit[]): number {
  let size = 0;
  for (const { from, to, insert } of edits) size += (insert?.length ?? 0) - (to - from);
  return size;
}

function applied(
  bytes: Bytes,
  unary: boolean,
  end: number,
  edits: readonly Edit[],
  delta: number,
  streamId: number,
  slab: Slab,
): Bytes {
  const first = bytes[0]!;
  const total = byteLength(bytes) + delta;
  const small = bytes.length === 1 && total <= COPY_FRAME_UP_TO;
  const out = slab.take(small ? total : end + delta);
  let from = 0;
  let to = 0;
  for (const edit of edits) {
    to += first.copy(out, to, from, edit.from);
    if (edit.insert !== undefined) to += edit.insert.copy(out, to);
    from = edit.to;
  }
  first.copy(out, to, from, small ? first.length : end);
  writeSizes(out, total, unary ? headerBytes(end + delta) : 0);
  writeStreamId(out, streamId);
  return small ? [out] : rest(out, bytes, end);
}

/** Behind a fresh head, what is not changed. */
function rest(head: Buffer, bytes: Bytes, end: number): Bytes {
  return [head, bytes[0]!.subarray(end), ...bytes.slice(1)];
}

function headerBytes(end: number): number {
  const length = end - FIXED_BYTES;
  if (length <= MAX_HEADER_BYTES) return length;
  throw new Error(
    `the tRPC header would have ${length} bytes with what is to be set, and its length is written in 16 bits`,
  );
}
