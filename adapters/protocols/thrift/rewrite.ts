/**
 * A message under another sequence id, with another header, or both. What is not changed is not touched: small messages come
 * out in one piece of the slab, of large ones a fresh head goes before the segments they came in.
 *
 * A seq is 4 bytes in the binary encodings, a varint in compact, decimal digits in JSON: so lengths change, and with them
 * those that the transport tells.
 */
import {
  type Bytes,
  byteLength,
  COPY_FRAME_UP_TO,
  type Message,
  type Slab,
  varintLength,
  writeVarint,
} from '../../../src/message/index.js';
import type { View } from './view.js';
import {
  ENCODING,
  encodingOf,
  HEADER,
  hasHeader,
  hasInnerFrame,
  isPacked,
  TRANSPORT,
  transportOf,
  writeInt32,
} from './wire.js';
import { repacked } from './zlib.js';

/** Bytes that a seq takes. */
export function seqLength(encoding: number, seq: number): number {
  if (encoding === ENCODING.COMPACT) return varintLength(seq);
  return encoding === ENCODING.JSON ? String(seq).length : 4;
}

/** @returns where it ends */
export function writeSeq(to: Buffer, at: number, encoding: number, seq: number): number {
  if (encoding === ENCODING.COMPACT) return writeVarint(to, at, seq);
  if (encoding === ENCODING.JSON) return at + to.write(String(seq), at, 'latin1');
  writeInt32(to, at, seq);
  return at + 4;
}

/** Writes a frame's lengths and, if it has a header, its seq. @param messageAt - where the message begins in `frame` */
export function writePrefix(
  frame: Buffer,
  tag: number,
  total: number,
  messageAt: number,
  seq: number | undefined,
): void {
  if (transportOf(tag) === TRANSPORT.UNFRAMED) return;
  writeInt32(frame, 0, total - 4);
  if (!hasHeader(tag)) return;
  if (seq !== undefined) writeInt32(frame, HEADER.SEQ, seq);
  if (hasInnerFrame(tag)) writeInt32(frame, messageAt - 4, total - messageAt);
}

export class Rewriter {
  constructor(
    private readonly slab: Slab,
    private readonly maxBytes: number,
  ) {}

  /**
   * @param header - instead of what stands before the message; undefined: as it is
   * @throws Error - it is zlib'd, and broken or longer than the limit
   */
  rewrite(message: Message, seq: number, header: Buffer | undefined): Bytes {
    const view = message.view as View;
    if (isPacked(message.tag)) return this.#packed(message, view, seq, header);
    const { bytes, tag } = message;
    const first = bytes[0]!;
    const encoding = encodingOf(tag);
    const messageAt = header?.length ?? view.messageAt;
    const head = messageAt + (view.seqAt - view.messageAt) + seqLength(encoding, seq);
    const total = head + byteLength(bytes) - view.seqEnd;
    const small = total <= COPY_FRAME_UP_TO && bytes.length === 1;
    const frame = this.slab.take(small ? total : head);
    if (header === undefined) first.copy(frame, 0, 0, view.seqAt);
    else {
      header.copy(frame);
      first.copy(frame, messageAt, view.messageAt, view.seqAt);
    }
    writeSeq(frame, head - seqLength(encoding, seq), encoding, seq);
    writePrefix(frame, tag, total, messageAt, view.seqInHeader ? seq : undefined);
    if (!small) return [frame, ...from(bytes, view.seqEnd)];
    first.copy(frame, head, view.seqEnd);
    return [frame];
  }

  #packed(message: Message, view: View, seq: number, header: Buffer | undefined): Bytes {
    const { bytes, tag } = message;
    const before = header ?? bytes[0]!.subarray(0, view.messageAt);
    let body: Bytes = from(bytes, view.messageAt);
    if (seq !== view.seq) {
      const encoding = encodingOf(tag);
      body = [repacked(body, this.maxBytes, (plain) => renumbered(plain, view, encoding, seq))];
    }
    const frame = this.slab.take(before.length);
    before.copy(frame);
    writePrefix(frame, tag, before.length + byteLength(body), before.length, view.seqInHeader ? seq : undefined);
    return [frame, ...body];
  }
}

function renumbered(plain: Buffer, view: View, encoding: number, seq: number): Buffer {
  const changed = Buffer.allocUnsafe(plain.length - (view.seqEnd - view.seqAt) + seqLength(encoding, seq));
  plain.copy(changed, 0, 0, view.seqAt);
  plain.copy(changed, writeSeq(changed, view.seqAt, encoding, seq), view.seqEnd);
  return changed;
}

/** The segments from `at` on, which lies in the first. */
function from(bytes: Bytes, at: number): Buffer[] {
  const rest = bytes.slice();
  if (at < rest[0]!.length) rest[0] = rest[0]!.subarray(at);
  else rest.shift();
  return rest;
}
