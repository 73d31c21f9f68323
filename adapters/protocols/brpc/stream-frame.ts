/**
 * Frames of streams: the magic `STRM`, then as in other frames. The meta says for whom the frame is, by the id of the stream
 * at the receiver, and from whom, by its id at the sender. A reset has no sender: it answers frames for a stream that
 * is not there.
 */
import {
  type Bytes,
  byteLength,
  COPY_FRAME_UP_TO,
  FieldReader,
  ProtocolError,
  type Slab,
  type WireId,
} from '../../../src/message/index.js';
import { varintField, writeFixed } from './frame.js';
import { FIXED_BYTES } from './meta.js';

export const STREAM_MAGIC = Buffer.from('STRM');

/** `frame_type`. */
export const TYPE = { RESET: 1, CLOSE: 2, DATA: 3 } as const;

const FIELD = { TO: 1, FROM: 2, TYPE: 3 } as const;

/** One of the ids of a frame: its field, and what it says. */
export interface StreamId extends WireId {
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

/** Offsets are from the frame's start. */
export interface StreamFrame {
  readonly to: StreamId;
  readonly from: StreamId | undefined;
  readonly type: number;
  /** Where the meta ends, and the data begins. */
  readonly end: number;
}

const fields = new FieldReader();

/** @throws ProtocolError - it is no protobuf, or for nobody */
export function readStreamFrame(frame: Buffer, end: number): StreamFrame {
  let to: StreamId | undefined;
  let from: StreamId | undefined;
  let type = 0;
  fields.open(frame, FIXED_BYTES, end);
  while (fields.next()) {
    if (fields.wireType !== 0) continue;
    if (fields.number === FIELD.TO) to = streamId();
    else if (fields.number === FIELD.FROM) from = streamId();
    else if (fields.number === FIELD.TYPE) type = fields.low;
  }
  if (fields.malformed) throw new ProtocolError(`bRPC stream frame: no protobuf from byte ${fields.start} on`);
  if (to === undefined) throw new ProtocolError('bRPC stream frame: it says of no stream that it is for it');
  return { to, from, type, end };
}

function streamId(): StreamId {
  const { number, start, end, high, low } = fields;
  return { number, start, end, idHigh: high | 0, idLow: low | 0 };
}

/** The frame with `id` in the place of another; what follows the meta may differ too, from the second segment on. */
export function readdressed(bytes: Bytes, end: number, old: StreamId, id: WireId, slab: Slab): Bytes {
  const first = bytes[0]!;
  const field = varintField(old.number, id.idHigh, id.idLow);
  const moved = field.length - (old.end - old.start);
  const total = byteLength(bytes) + moved;
  const small = bytes.length === 1 && total <= COPY_FRAME_UP_TO;
  const out = slab.take(small ? total : end + moved);
  let at = FIXED_BYTES;
  at += first.copy(out, at, FIXED_BYTES, old.start);
  at += field.copy(out, at);
  first.copy(out, at, old.end, small ? first.length : end);
  writeFixed(out, total, end + moved, STREAM_MAGIC);
  return small ? [out] : [out, first.subarray(end), ...bytes.slice(1)];
}

/** @param from - absent: resets of bRPC name no sender */
export function streamFrame(type: number, to: WireId, from?: WireId, data: Buffer = NOTHING): Buffer {
  const meta = Buffer.concat([
    varintField(FIELD.TO, to.idHigh, to.idLow),
    from === undefined ? NOTHING : varintField(FIELD.FROM, from.idHigh, from.idLow),
    varintField(FIELD.TYPE, 0, type),
  ]);
  const frame = Buffer.concat([Buffer.alloc(FIXED_BYTES), meta, data]);
  writeFixed(frame, frame.length, FIXED_BYTES + meta.length, STREAM_MAGIC);
  return frame;
}

const NOTHING: Buffer = Buffer.alloc(0);
