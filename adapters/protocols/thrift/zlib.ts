/**
 * Messages of THeader that are zlib'd. To be read, only their beginning is inflated, up to a bound. They are sent as they
 * came; only another sequence id, which is among the deflated bytes, makes us deflate anew. That is work for all the bytes that
 * come out, and zlib makes 1,032 of one: so what grows beyond a hundredfold is refused, unless it is small.
 */
import { constants, deflateSync, inflateSync } from 'node:zlib';
import { type Bytes, contiguous, ProtocolError } from '../../../src/message/index.js';
import { MORE } from './head.js';
import type { View } from './view.js';

/** Deflated bytes that are tried, in turn, to find the head in. The last hold the longest name, however it is deflated. */
const TRIES = [256, 1024, 5120] as const;
/** What may come out of them: all that the first can hold. */
const MAX_BEGINNING = 264_192;
const MAX_GROWTH = 100;
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
    return inflateSync(beginning, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_BEGINNING });
  } catch (error) {
    throw new ProtocolError(`a Thrift message said to be zlib'd: ${(error as Error).message}`);
  }
}

/**
 * The message inflated, changed and deflated again. One that is broken cannot be sent: it would keep the sequence id that
 * its sender chose, under which a receiver less strict than zlib answers a call of somebody else.
 * @param change - of the inflated message, a new one
 * @throws Error - it is broken, longer than `maxBytes`, or than so small a one should be
 */
export function repacked(deflated: Bytes, maxBytes: number, change: (message: Buffer) => Buffer): Buffer {
  const input = contiguous(deflated);
  const limit = Math.min(maxBytes, Math.max(MAX_BEGINNING, MAX_GROWTH * input.length));
  let message: Buffer;
  try {
    message = inflateSync(input, { maxOutputLength: limit });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') {
      throw new Error(`a zlib'd message that cannot be inflated to its end: ${(error as Error).message}`);
    }
    throw new Error(`a zlib'd message of ${input.length} bytes has more than ${limit}, which is the limit for it`);
  }
  return deflateSync(change(message));
}
