/**
 * Messages of THeader that are zlib'd. To be read, only their beginning is inflated, of few bytes of input, so that no input
 * is worth much work: zlib makes 1,032 bytes of one at most. They are sent as they came; only another sequence id, which
 * is among the deflated bytes, makes us deflate anew.
 */
import { constants, deflateSync, inflateSync } from 'node:zlib';
import { type Bytes, contiguous, ProtocolError } from '../../../src/message/index.js';
import { MORE } from './head.js';
import type { View } from './view.js';

/** Deflated bytes that are tried, in turn, to find the head in. The second holds the longest name, however it is deflated. */
const TRIES = [256, 8192] as const;
/** What of the beginning is kept behind the head, for the type of a TApplicationException. */
const KEPT_BEHIND = 1024;

/**
 * Reads the head out of the zlib'd message at `at`.
 * @param read - returns the tag, or {@link MORE}
 */
export function inflatedHead(bytes: Buffer, at: number, read: (inflated: Buffer) => number, view: View): number {
  for (const length of TRIES) {
    const inflated = inflate(bytes.subarray(at, at + length));
    const tag = read(inflated);
    if (tag === MORE) continue;
    view.inflated = Buffer.from(inflated.subarray(0, view.bodyAt + KEPT_BEHIND));
    return tag;
  }
  return MORE;
}

function inflate(beginning: Buffer): Buffer {
  try {
    return inflateSync(beginning, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    throw new ProtocolError(`a Thrift message said to be zlib'd: ${(error as Error).message}`);
  }
}

/**
 * The message inflated, changed and deflated again; undefined if it is broken: then it is the receiver's to say so.
 * @param change - of the inflated message, a new one
 * @throws Error - it is longer than `maxBytes`
 */
export function repacked(deflated: Bytes, maxBytes: number, change: (message: Buffer) => Buffer): Buffer | undefined {
  let message: Buffer;
  try {
    message = inflateSync(contiguous(deflated), { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw new Error(`a zlib'd message has more than ${maxBytes} bytes, which is the limit`);
  }
  return deflateSync(change(message));
}
