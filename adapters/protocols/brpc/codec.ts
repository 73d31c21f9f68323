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
import { errorReply, MAGIC } from './frame.js';
import { FIXED_BYTES, Meta, metaOf, readMeta, type StreamSettings } from './meta.js';
import { brpcReader } from './reader.js';
import { readStreamFrame, STREAM_MAGIC } from './stream-frame.js';
import { OpenerStreams, openingIn, refusedStream, ServerStreams } from './streams.js';

/**
 * Frames do not tell their direction (jprotobuf's replies hold a request's meta too), so a codec reads requests downstream
 * and replies upstream. The meta must be whole and make sense: what does not ends the connection, since nobody could be
 * answered. Payload and attachment are not looked at.
 */
export class BrpcCodec implements Codec {
  readonly #isReply: boolean;
  readonly #slab: Slab;
  readonly #maxBytes: number;
  readonly #openers = new OpenerStreams();
  readonly #servers = new ServerStreams();
  /** Bytes of a reply over the limit that are still to be swallowed. */
  #skipping = 0;

  constructor(side: Side, options: CodecOptions = {}) {
    this.#isReply = side === 'upstream';
    this.#slab = options.slab ?? new Slab();
    this.#maxBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  }

  decode(input: ByteQueue): Message | null {
    if (this.#skipping > 0 && !this.#skip(input)) return null;
    const ofStream = isOfStream(input);
    const fixed = input.peek(FIXED_BYTES);
    if (fixed === null) return null;
    const total = FIXED_BYTES + fixed.readUInt32BE(4);
    const metaEnd = FIXED_BYTES + fixed.readUInt32BE(8);
    if (metaEnd > total || metaEnd - FIXED_BYTES > MAX_META_BYTES) {
      const room = Math.min(total - FIXED_BYTES, MAX_META_BYTES);
      throw new ProtocolError(`bRPC frame: a meta of ${metaEnd - FIXED_BYTES} bytes; there is room for ${room}`);
    }
    if (total > this.#maxBytes) return this.#tooLarge(input, total, metaEnd, ofStream);
    if (input.length < total) return null;
    if (ofStream) return this.#streamed(input.takeWithHead(total, metaEnd), metaEnd);
    return this.#message(input.takeWithHead(total, metaEnd), metaEnd);
  }

  encode(message: Message, id: WireId = message, mutation?: Mutation): Bytes {
    const meta = metaOf(message);
    if (meta === undefined || message.kind === 'event') return message.bytes;
    if (meta.frame !== undefined) {
      if (meta.isReply) return this.#openers.sent(message, meta, id, mutation, this.#slab);
      return this.#servers.sent(message, meta.frame, id, this.#slab);
    }
    if (message.kind === 'stream-open') return this.#opening(message, meta, id, mutation);
    const opening = openingIn(id);
    if (opening !== undefined) this.#openers.ended(id);
    const call = opening ?? id;
    if (sameWireId(meta, call) && (mutation === undefined || mutation.size === 0)) return message.bytes;
    return edited(message.bytes, meta, { id: call, mutation }, this.#slab);
  }

  reject(request: Message, failure: Rejection): Bytes | undefined {
    const code = codeFor(failure.code);
    if (request.kind === 'stream-open') return refusedStream(request, code, failure.message);
    if (request.kind !== 'request') return undefined;
    return [errorReply(code, failure.message, request.idHigh, request.idLow)];
  }

  reset(id: WireId): Bytes | undefined {
    return this.#isReply ? this.#servers.reset(id) : this.#openers.reset(id);
  }

  /** The id is the stream's and the call's: a refusal may come by either. */
  #opening(message: Message, meta: Meta, id: WireId, mutation: Mutation | undefined): Bytes {
    if (this.#isReply) {
      if (meta.settings!.several) throw new Error('bRPC: a request that opens several streams, which is not supported');
      this.#servers.opened(id);
    }
    if (id === message && (mutation === undefined || mutation.size === 0)) return message.bytes;
    return edited(message.bytes, meta, { id: openingIn(id) ?? id, streamId: id, mutation }, this.#slab);
  }

  #streamed(bytes: Bytes, metaEnd: number): Message {
    const frame = readStreamFrame(bytes[0]!, metaEnd);
    return (this.#isReply ? this.#servers : this.#openers).read(bytes, frame);
  }

  #message(bytes: Bytes, metaEnd: number): Message {
    const meta = readMeta(bytes[0]!, metaEnd, new Meta(this.#isReply));
    const { settings } = meta;
    if (settings !== undefined && !this.#isReply) return this.#opened(bytes, meta, settings);
    const kind = !this.#isReply ? 'request' : meta.code === CODE.OK ? 'response' : 'error';
    return withMeta(new Message(kind, bytes, brpcReader, meta.idHigh, meta.idLow), meta);
  }

  #opened(bytes: Bytes, meta: Meta, settings: StreamSettings): Message {
    if (settings.id === 0) throw new ProtocolError('bRPC: a request that opens a stream, and does not say which');
    // One of that id that was open before is forgotten by who opened it.
    this.#openers.ended(settings);
    return withMeta(new Message('stream-open', bytes, brpcReader, settings.idHigh, settings.idLow), meta);
  }

  /** @returns whether it is all gone */
  #skip(input: ByteQueue): boolean {
    const now = Math.min(this.#skipping, input.length);
    input.skip(now);
    this.#skipping -= now;
    return this.#skipping === 0;
  }

  /** A reply that is too large is replaced by one that says so, and swallowed as it comes: its neighbours go on. */
  #tooLarge(input: ByteQueue, total: number, metaEnd: number, ofStream: boolean): Message | null {
    const text = `${total} bytes; the limit is ${this.#maxBytes}`;
    if (!this.#isReply || ofStream) throw new ProtocolError(`bRPC frame: ${text}`);
    if (input.length < metaEnd) return null;
    const { idHigh, idLow } = this.#message(input.takeWithHead(metaEnd, metaEnd), metaEnd);
    this.#skipping = total - metaEnd;
    const reply = errorReply(CODE.BAD_RESPONSE, `REPLY_TOO_LARGE: the reply has ${text}`, idHigh, idLow);
    return this.#message([reply], reply.length);
  }
}

function withMeta(message: Message, meta: Meta): Message {
  message.view = meta;
  return message;
}

/** @throws ProtocolError - it begins with neither magic */
function isOfStream(input: ByteQueue): boolean {
  const ofStream = input.at(0) === STREAM_MAGIC[0];
  const magic = ofStream ? STREAM_MAGIC : MAGIC;
  const length = Math.min(magic.length, input.length);
  for (let at = 0; at < length; at++) {
    if (input.at(at) === magic[at]) continue;
    const seen = input.at(at).toString(16).padStart(2, '0');
    throw new ProtocolError(`not bRPC: byte ${at} of the frame is 0x${seen}, magic is "${magic}"`);
  }
  return ofStream;
}
