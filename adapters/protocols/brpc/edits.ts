/**
 * The meta is edited where it lies: unknown fields and the order of all stay as they came, payload and attachment too, which a
 * checksum may cover. A user field that is set goes to the end, where it counts, and earlier ones of its key are cut out, in
 * any letter case; id and timeout are replaced in their places.
 */
import {
  type Bytes,
  byteLength,
  COPY_FRAME_UP_TO,
  encodedPair,
  keyIs,
  type Mutation,
  PAIR,
  type Slab,
  varintLength,
  type WireId,
  writeVarint,
} from '../../../src/message/index.js';
import { varintField, writeFixed } from './frame.js';
import { FIXED_BYTES, META, type Meta, REQUEST, STREAM, type StreamSettings, userFields } from './meta.js';

/** `insert` takes the place of the bytes from `from` up to `to`, counted from the frame's start. */
interface Edit {
  readonly from: number;
  readonly to: number;
  readonly insert: Buffer;
}

/** What is to be different in a frame. */
export interface Change {
  readonly id: WireId;
  /** Of the stream that it opens. */
  readonly streamId?: WireId;
  readonly mutation?: Mutation | undefined;
}

/** The key by which a Mutation carries the timeout, which is no user field: no key of these can hold a NUL. */
export const TIMEOUT_KEY = '\0timeout';

/** Longer metas are refused: it is read in one piece. */
export const MAX_META_BYTES = 1024 * 1024;

/** @throws Error - there is no room for what is to be set */
export function edited(bytes: Bytes, meta: Meta, { id, streamId, mutation }: Change, slab: Slab): Bytes {
  const edits = mutation === undefined || mutation.size === 0 ? [] : editsOf(bytes[0]!, meta, mutation);
  edits.push(idEdit(meta, id));
  if (streamId !== undefined) edits.push(streamEdit(bytes[0]!, meta.settings!, streamId));
  edits.sort((a, b) => a.from - b.from || a.to - b.to);
  const first = bytes[0]!;
  let delta = 0;
  for (const { from, to, insert } of edits) delta += insert.length - (to - from);
  const metaEnd = meta.end + delta;
  if (metaEnd - FIXED_BYTES > MAX_META_BYTES) {
    throw new Error(`the bRPC meta would have ${metaEnd - FIXED_BYTES} bytes; at most ${MAX_META_BYTES}`);
  }
  const total = byteLength(bytes) + delta;
  const small = bytes.length === 1 && total <= COPY_FRAME_UP_TO;
  const out = slab.take(small ? total : metaEnd);
  let from = FIXED_BYTES;
  let at = FIXED_BYTES;
  for (const edit of edits) {
    at += first.copy(out, at, from, edit.from);
    at += edit.insert.copy(out, at);
    from = edit.to;
  }
  first.copy(out, at, from, small ? first.length : meta.end);
  writeFixed(out, total, metaEnd);
  return small ? [out] : [out, first.subarray(meta.end), ...bytes.slice(1)];
}

function idEdit(meta: Meta, { idHigh, idLow }: WireId): Edit {
  const insert = varintField(META.ID, idHigh, idLow);
  return meta.id === 0 ? { from: meta.end, to: meta.end, insert } : { from: meta.id, to: meta.idEnd, insert };
}

/** The field `stream_settings` with another id: its length changes with it. */
function streamEdit(frame: Buffer, settings: StreamSettings, { idHigh, idLow }: WireId): Edit {
  const { start: from, end: to } = settings;
  return { from, to, insert: nested(frame, META.STREAM, settings, varintField(STREAM.ID, idHigh, idLow)) };
}

function editsOf(frame: Buffer, meta: Meta, mutation: Mutation): Edit[] {
  const pairs = userFields(frame, meta);
  const edits: Edit[] = [];
  for (let i = 0; i < pairs.length; i += PAIR) {
    if (isMutated(frame, pairs[i + 2]!, pairs[i + 3]!, mutation)) {
      edits.push({ from: pairs[i]!, to: pairs[i + 1]!, insert: EMPTY });
    }
  }
  for (const [key, value] of mutation.entries()) {
    if (key === TIMEOUT_KEY) {
      if (!meta.isReply && meta.request > 0) edits.push(requestEdit(frame, meta, Number(value)));
    } else if (value !== undefined) {
      edits.push({ from: meta.end, to: meta.end, insert: encodedPair(META.USER_FIELDS, key, value) });
    }
  }
  return edits;
}

/** The field `request` with another timeout: its length changes with it. */
function requestEdit(frame: Buffer, meta: Meta, timeoutMs: number): Edit {
  const { request: from, requestAt: at, requestEnd: end } = meta;
  const [id, idEnd] = meta.timeout === 0 ? [end, end] : [meta.timeout, meta.timeoutEnd];
  const insert = nested(frame, META.REQUEST, { at, end, id, idEnd }, varintField(REQUEST.TIMEOUT, 0, timeoutMs));
  return { from, to: end, insert };
}

/** The field `number` as it stands between `at` and `end`, with `insert` in place of what is between `id` and `idEnd`. */
function nested(frame: Buffer, number: number, place: Nested, insert: Buffer): Buffer {
  const length = place.end - place.at + insert.length - (place.idEnd - place.id);
  const field = Buffer.allocUnsafe(1 + varintLength(length) + length);
  field[0] = (number << 3) | 2;
  let at = writeVarint(field, 1, length);
  at += frame.copy(field, at, place.at, place.id);
  at += insert.copy(field, at);
  frame.copy(field, at, place.idEnd, place.end);
  return field;
}

type Nested = Pick<StreamSettings, 'at' | 'end' | 'id' | 'idEnd'>;

function isMutated(frame: Buffer, at: number, length: number, mutation: Mutation): boolean {
  for (let i = 0; i < mutation.size; i++) if (keyIs(frame, at, length, mutation.keyAt(i).toLowerCase())) return true;
  return false;
}

const EMPTY = Buffer.alloc(0);
