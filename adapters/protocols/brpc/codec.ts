import {
  type ByteQueue,
  type Bytes,
  type Codec,
  type CodecOptions,
  MAX_MESSAGE_BYTES,
  Message,
  type Mutation,
  ProtocolError,
  type Rejection,
  type Side,
  Slab,
  sameWireId,
  type WireId,
} from '../../../src/message/index.js';
import { CODE, codeFor } from './codes.js';
import { edited, MAX_META_BYTES } from './edits.js';
import { errorReply } from './frame.js';
import { FIXED_BYTES, Meta, metaOf, readMeta } from './meta.js';
import { brpcReader } from './reader.js';

/**
 * Frames do not tell their direction (jprotobuf's replies hold a request's meta too), so a codec reads requests downstream
 * and replies upstream. The meta must be whole and make sense: what does not ends the connection, since nobody could be
 * answered. Payload and attachment are not looked at.
 */
export class BrpcCodec implements Codec {
  readonly #isReply: boolean;
  readonly #slab: Slab;
  readonly #maxBytes: number;
  /** Bytes of a reply over the limit that are still to be swallowed. */
  #skipping = 0;

  constructor(side: Side, options: CodecOptions = {}) {
    this.#isReply = side === 'upstream';
    this.#slab = options.slab ?? new Slab();
    this.#maxBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  }

  decode(input: ByteQueue): Message | null {
    if (this.#skipping > 0 && !this.#skip(input)) return null;
    checkMagic(input);
    const fixed = input.peek(FIXED_BYTES);
    if (fixed === null) return null;
    const total = FIXED_BYTES + fixed.readUInt32BE(4);
    const metaEnd = FIXED_BYTES + fixed.readUInt32BE(8);
    if (metaEnd > total || metaEnd - FIXED_BYTES > MAX_META_BYTES) {
      const room = Math.min(total - FIXED_BYTES, MAX_META_BYTES);
      throw new ProtocolError(`bRPC frame: a meta of ${metaEnd - FIXED_BYTES} bytes; there is room for ${room}`);
    }
    if (total > this.#maxBytes) return this.#tooLarge(input, total, metaEnd);
    if (input.length < total) return null;
    return this.#message(takeFrame(input, total, metaEnd), metaEnd);
  }

  encode(message: Message, id: WireId = message, mutation?: Mutation): Bytes {
    const meta = metaOf(message);
    if (meta === undefined) return message.bytes;
    if (sameWireId(message, id) && (mutation === undefined || mutation.size === 0)) return message.bytes;
    return edited(message, meta, id, mutation, this.#slab);
  }

  reject(request: Message, failure: Rejection): Bytes | undefined {
    if (request.kind !== 'request') return undefined;
    return [errorReply(codeFor(failure.code), failure.message, request.idHigh, request.idLow)];
  }

  #message(bytes: Bytes, metaEnd: number): Message {
    const meta = readMeta(bytes[0]!, metaEnd, new Meta(this.#isReply));
    // Its frames would break the connection that it shared with other calls upstream.
    if (meta.opensStream && !this.#isReply) {
      throw new ProtocolError('bRPC: a request that opens a stream, which is not supported');
    }
    const kind = !this.#isReply ? 'request' : meta.code === CODE.OK ? 'response' : 'error';
    const message = new Message(kind, bytes, brpcReader, meta.idHigh, meta.idLow);
    message.view = meta;
    return message;
  }

  /** @returns whether it is all gone */
  #skip(input: ByteQueue): boolean {
    const now = Math.min(this.#skipping, input.length);
    input.skip(now);
    this.#skipping -= now;
    return this.#skipping === 0;
  }

  /** A reply that is too large is replaced by one that says so, and swallowed as it comes: its neighbours go on. */
  #tooLarge(input: ByteQueue, total: number, metaEnd: number): Message | null {
    const text = `${total} bytes; the limit is ${this.#maxBytes}`;
    if (!this.#isReply) throw new ProtocolError(`bRPC frame: ${text}`);
    if (input.length < metaEnd) return null;
    const { idHigh, idLow } = this.#message(takeFrame(input, metaEnd, metaEnd), metaEnd);
    this.#skipping = total - metaEnd;
    const reply = errorReply(CODE.BAD_RESPONSE, `REPLY_TOO_LARGE: the reply has ${text}`, idHigh, idLow);
    return this.#message([reply], reply.length);
  }
}

/** All of a frame, its first `head` bytes in one piece. */
function takeFrame(input: ByteQueue, total: number, head: number): Bytes {
  const bytes = input.take(total);
  if (bytes.length === 1 || bytes[0]!.length >= head) return bytes;
  const joined = Buffer.allocUnsafe(head);
  const rest: Buffer[] = [joined];
  let at = 0;
  for (const segment of bytes) {
    const copied = segment.copy(joined, at);
    at += copied;
    if (copied < segment.length) rest.push(segment.subarray(copied));
  }
  return rest;
}

const MAGIC = Buffer.from('PRPC');
const STREAM_MAGIC = Buffer.from('STRM');

function checkMagic(input: ByteQueue): void {
  const length = Math.min(MAGIC.length, input.length);
  for (let at = 0; at < length; at++) {
    if (input.at(at) === MAGIC[at]) continue;
    if (startsWith(input, STREAM_MAGIC, length)) {
      throw new ProtocolError('bRPC: a frame of a stream, which is not supported');
    }
    const seen = input.at(at).toString(16).padStart(2, '0');
    throw new ProtocolError(`not bRPC: byte ${at} of the frame is 0x${seen}, magic is "PRPC"`);
  }
}

function startsWith(input: ByteQueue, magic: Buffer, length: number): boolean {
  for (let at = 0; at < length; at++) if (input.at(at) !== magic[at]) return false;
  return true;
}
