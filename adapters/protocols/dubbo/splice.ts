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
  const parts: Buffer[] = [];
  let length = total;
  let from = HEADER_BYTES;
  for (const { at, remove, insert } of edits) {
    pushRange(parts, bytes, from, at);
    if (insert !== undefined) {
      parts.push(insert);
      length += insert.length;
    }
    length -= remove;
    from = at + remove;
  }
  pushRange(parts, bytes, from, total);
  const copied = length <= COPY_FRAME_UP_TO;
  const piece = slab.take(copied ? length : HEADER_BYTES);
  writeHeader(piece, flagsOf(tag), statusOf(tag), id.idHigh, id.idLow, length - HEADER_BYTES);
  if (!copied) return [piece, ...parts];
  let at = HEADER_BYTES;
  for (const part of parts) {
    part.copy(piece, at);
    at += part.length;
  }
  return [piece];
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
