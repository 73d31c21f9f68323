import { type Bytes, byteLength, COPY_FRAME_UP_TO, type Slab, type WireId } from '../../../src/message/index.js';
import { flagsOf, HEADER_BYTES, statusOf, writeHeader } from './header.js';

/** `insert` takes the place of `remove` bytes at `at`, counted from the frame's start. */
export interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: Buffer | undefined;
}

/**
 * The frame with a fresh header and these edits, in order of `at`. Small frames come out in one piece of the slab; of large
 * ones only edges are cut, and the rest is the original's segments.
 */
export function splice(bytes: Bytes, tag: number, id: WireId, edits: readonly Edit[], slab: Slab): Bytes {
  const total = byteLength(bytes);
  let length = total;
  for (let i = 0; i < edits.length; i++) length += (edits[i]!.insert?.length ?? 0) - edits[i]!.remove;
  const small = length <= COPY_FRAME_UP_TO && bytes.length === 1;
  const head = slab.take(small ? length : HEADER_BYTES);
  writeHeader(head, flagsOf(tag), statusOf(tag), id.idHigh, id.idLow, length - HEADER_BYTES);
  if (!small) return spread(head, bytes, total, edits);
  let from = HEADER_BYTES;
  let to = HEADER_BYTES;
  for (let i = 0; i < edits.length; i++) {
    const { at, remove, insert } = edits[i]!;
    to += bytes[0]!.copy(head, to, from, at);
    if (insert !== undefined) to += insert.copy(head, to);
    from = at + remove;
  }
  bytes[0]!.copy(head, to, from);
  return [head];
}

function spread(head: Buffer, bytes: Bytes, total: number, edits: readonly Edit[]): Bytes {
  const parts: Buffer[] = [head];
  let from = HEADER_BYTES;
  for (let i = 0; i < edits.length; i++) {
    const { at, remove, insert } = edits[i]!;
    pushRange(parts, bytes, from, at);
    if (insert !== undefined) parts.push(insert);
    from = at + remove;
  }
  pushRange(parts, bytes, from, total);
  return parts;
}

function pushRange(parts: Buffer[], bytes: Bytes, from: number, to: number): void {
  let start = 0;
  for (const segment of bytes) {
    const end = start + segment.length;
    if (end > from && start < to) {
      parts.push(segment.subarray(Math.max(0, from - start), Math.min(segment.length, to - start)));
    }
    start = end;
  }
}

/** The byte at `at`; -1 beyond the end. */
export function byteAt(bytes: Bytes, at: number): number {
  for (const segment of bytes) {
    if (at < segment.length) return segment[at]!;
    at -= segment.length;
  }
  return -1;
}
