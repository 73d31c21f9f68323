import { type Bytes, type Message, type Rejection, varintLength, writeVarint } from '../../../src/message/index.js';
import { FIXED_BYTES, FRAME, frameOf, isReply, versionOf, writeFixed } from './fixed-header.js';
import { retFor } from './ret-codes.js';

const MAX_TEXT = 1000;

/**
 * The reply that refuses a request. It carries all that a client finds its call by: request id, stream id, version; and no
 * `func_ret`, or trpc-java reports an error of the handler as well. A stream is refused by an INIT of the server's with a
 * code.
 */
export function rejectFrame(request: Message, failure: Rejection): Bytes | undefined {
  const { kind, tag, idHigh, idLow } = request;
  if (isReply(tag)) return undefined;
  if (kind === 'request') {
    const version = versionOf(request.bytes[0]!);
    return errorReply(idHigh, idLow, version, retFor(failure.code), failure.message);
  }
  if (kind !== 'stream-open' || frameOf(tag) !== FRAME.INIT) return undefined;
  const text = textOf(failure.message);
  const ret = retFor(failure.code);
  const length = 2 + varintLength(ret) + varintLength(text.length) + text.length;
  const frame = streamFrame(FRAME.INIT, 1 + varintLength(length) + length, idLow);
  frame[FIXED_BYTES] = 0x12;
  const at = writeNumber(frame, writeVarint(frame, FIXED_BYTES + 1, length), 0x08, ret);
  writeText(frame, at, 0x12, text);
  return [frame];
}

/** A unary reply with a framework code and a text. */
export function errorReply(streamId: number, requestId: number, version: number, ret: number, reason: string): Bytes {
  const text = textOf(reason);
  const header = 3 + varintLength(requestId) + varintLength(ret) + varintLength(text.length) + text.length;
  const frame = Buffer.allocUnsafe(FIXED_BYTES + header);
  writeFixed(frame, FRAME.UNARY, frame.length, header, streamId, version);
  const at = writeNumber(frame, writeNumber(frame, FIXED_BYTES, 0x18, requestId), 0x20, ret);
  writeText(frame, at, 0x32, text);
  return [frame];
}

/** A CLOSE that ends both directions of a stream, with a code and a text. */
export function resetFrame(streamId: number, failure: Rejection): Bytes {
  const text = textOf(failure.message);
  const ret = retFor(failure.code);
  const length = 4 + varintLength(ret) + varintLength(text.length) + text.length;
  const frame = streamFrame(FRAME.CLOSE, length, streamId);
  const at = writeNumber(frame, writeNumber(frame, FIXED_BYTES, 0x08, 1), 0x10, ret);
  writeText(frame, at, 0x1a, text);
  return [frame];
}

function streamFrame(type: number, length: number, streamId: number): Buffer {
  const frame = Buffer.allocUnsafe(FIXED_BYTES + length);
  writeFixed(frame, type, frame.length, 0, streamId, 0);
  return frame;
}

function textOf(reason: string): Buffer {
  return Buffer.from(`meltemi: ${reason}`.slice(0, MAX_TEXT));
}

function writeNumber(to: Buffer, at: number, tag: number, value: number): number {
  to[at] = tag;
  return writeVarint(to, at + 1, value);
}

function writeText(to: Buffer, at: number, tag: number, text: Buffer): void {
  to[at] = tag;
  text.copy(to, writeVarint(to, at + 1, text.length));
}
