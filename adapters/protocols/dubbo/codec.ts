import {
  type ByteQueue,
  type Bytes,
  COPY_FRAME_UP_TO,
  type Codec,
  type CodecOptions,
  MAX_MESSAGE_BYTES,
  Message,
  type MessageKind,
  type Mutation,
  ProtocolError,
  type Rejection,
  Slab,
  sameWireId,
  type WireId,
} from '../../../src/message/index.js';
import { fastjson2ReplyKind } from './fastjson2/body.js';
import {
  FASTJSON2,
  FLAG_EVENT,
  FLAG_REQUEST,
  FLAG_TWO_WAY,
  HEADER_BYTES,
  HESSIAN2,
  isRequest,
  REPLY_KIND,
  readInt32,
  SERIALIZATION_MASK,
  STATUS,
  serializationOf,
  tagOf,
  writeHeader,
  writeId,
} from './header.js';
import { replyKind } from './hessian/body.js';
import { editsOf } from './mutate.js';
import { dubboReader } from './reader.js';
import { errorFrame, rejectFrame } from './reject.js';
import { byteAt, splice } from './splice.js';

/** Of a large frame that straddles read chunks, so much is joined: path and method are to be found in one piece. */
const HEAD_BYTES = 512;

/**
 * Frames tell their direction themselves, so one class serves both sides of a connection. Bodies are not looked into
 * beyond a byte: real providers answer bad ones with status 40, and so they do through the mesh. A frame that announces a
 * negative or too large length, or does not begin with the magic, ends the connection; real providers say nothing at all
 * to those, and the caller hangs.
 */
export class DubboCodec implements Codec {
  readonly #slab: Slab;
  readonly #maxBytes: number;
  /** Bytes of a reply over the limit that are still to be swallowed. */
  #skipping = 0;

  constructor(options: CodecOptions = {}) {
    this.#slab = options.slab ?? new Slab();
    this.#maxBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  }

  decode(input: ByteQueue): Message | null {
    if (this.#skipping > 0 && !this.#skip(input)) return null;
    if (input.length < HEADER_BYTES) {
      checkMagic(input);
      return null;
    }
    const magic = input.at(0);
    if (magic !== 0xda || input.at(1) !== 0xbb) checkMagic(input);
    const body = (input.at(12) << 24) | (input.at(13) << 16) | (input.at(14) << 8) | input.at(15);
    const total = HEADER_BYTES + body;
    if (body < 0) throw new ProtocolError(`Dubbo frame: body length at byte 12 is negative (${body})`);
    if (total > this.#maxBytes) return this.#tooLarge(input, total);
    if (input.length < total) return null;
    return read(input.takeWithHead(total, Math.min(HEAD_BYTES, total)));
  }

  /** @returns whether it is all gone */
  #skip(input: ByteQueue): boolean {
    const now = Math.min(this.#skipping, input.length);
    input.skip(now);
    this.#skipping -= now;
    return this.#skipping === 0;
  }

  /** A reply that is too large is replaced by one that says so, and swallowed as it comes: its neighbours go on. */
  #tooLarge(input: ByteQueue, total: number): Message {
    const limit = this.#maxBytes;
    if ((input.at(2) & (FLAG_REQUEST | FLAG_EVENT)) !== 0) {
      throw new ProtocolError(`Dubbo frame: ${total} bytes, by the length at byte 12; the limit is ${limit}`);
    }
    const [head] = input.take(HEADER_BYTES);
    this.#skipping = total - HEADER_BYTES;
    const reason = `REPLY_TOO_LARGE: the reply has ${total} bytes, the limit is ${limit}`;
    return read(errorFrame(HESSIAN2, STATUS.BAD_RESPONSE, readInt32(head!, 4), readInt32(head!, 8), reason));
  }

  encode(message: Message, id: WireId = message, mutation?: Mutation): Bytes {
    if (mutation !== undefined && mutation.size > 0) {
      const edits = editsOf(message, mutation);
      if (edits.length > 0) return splice(message.bytes, message.tag, id, edits, this.#slab);
    }
    const { bytes } = message;
    if (sameWireId(message, id)) return bytes;
    const first = bytes[0]!;
    if (bytes.length === 1 && first.length <= COPY_FRAME_UP_TO) {
      const copy = this.#slab.take(first.length);
      copy.set(first);
      writeId(copy, id.idHigh, id.idLow);
      return [copy];
    }
    const head = this.#slab.take(HEADER_BYTES);
    first.copy(head, 0, 0, HEADER_BYTES);
    writeId(head, id.idHigh, id.idLow);
    return [head, first.subarray(HEADER_BYTES), ...bytes.slice(1)];
  }

  reject(request: Message, failure: Rejection): Bytes | undefined {
    return rejectFrame(request, failure);
  }

  /** A heartbeat that wants an answer gets its own body back, which is null in whatever serialization it came. */
  answer(event: Message): Bytes | undefined {
    if (event.kind !== 'heartbeat' || (event.tag & FLAG_TWO_WAY) === 0 || !isRequest(event.tag)) return undefined;
    const frame = event.bytes[0]!;
    const isNull = frame.length > HEADER_BYTES && frame.length <= HEADER_BYTES + MAX_NULL_BYTES;
    const body = isNull ? frame.subarray(HEADER_BYTES) : HESSIAN_NULL;
    const answer = this.#slab.take(HEADER_BYTES + body.length);
    const flags = FLAG_EVENT | (isNull ? serializationOf(event.tag) : HESSIAN2);
    writeHeader(answer, flags, STATUS.OK, event.idHigh, event.idLow, body.length);
    body.copy(answer, HEADER_BYTES);
    return [answer];
  }
}

/** No serialization takes more to say null. */
const MAX_NULL_BYTES = 16;
const HESSIAN_NULL = Buffer.from('N');

/** A two-way heartbeat. Its id may be that of a call under way: replies to events are told apart by their flag. */
export const HEARTBEAT: Bytes = Object.freeze([Buffer.from('dabbe2000000000000000000000000014e', 'hex')]);

function read(bytes: Bytes): Message {
  const head = bytes[0]!;
  const flags = head[2]!;
  const status = head[3]!;
  const readOnly = (flags & FLAG_EVENT) !== 0 && isReadOnlyBody(head);
  const kind = kindOf(flags, status, readOnly, bytes);
  return new Message(kind, bytes, dubboReader, readInt32(head, 4), readInt32(head, 8), tagOf(flags, status, readOnly));
}

function kindOf(flags: number, status: number, readOnly: boolean, bytes: Bytes): MessageKind {
  if ((flags & FLAG_EVENT) !== 0) return readOnly || isOtherEvent(flags, bytes) ? 'event' : 'heartbeat';
  if ((flags & FLAG_REQUEST) !== 0) return (flags & FLAG_TWO_WAY) !== 0 ? 'request' : 'oneway';
  if (status !== STATUS.OK) return 'error';
  const kind = replyKindOf(flags & SERIALIZATION_MASK, bytes);
  return kind === REPLY_KIND.EXCEPTION || kind === REPLY_KIND.EXCEPTION + REPLY_KIND.WITH_ATTACHMENTS
    ? 'error'
    : 'response';
}

/** An event whose body is neither null nor empty. There is none but read-only yet. */
function isOtherEvent(flags: number, bytes: Bytes): boolean {
  const first = byteAt(bytes, HEADER_BYTES);
  return (
    (flags & FLAG_REQUEST) !== 0 &&
    (flags & SERIALIZATION_MASK) === HESSIAN2 &&
    first !== -1 &&
    first !== HESSIAN_NULL[0]
  );
}

/** A provider that is shutting down says "R" in the channel's serialization: Hessian, or JSONB behind its length. */
function isReadOnlyBody(frame: Buffer): boolean {
  const tag = frame[frame.length - 2];
  return frame.length <= HEADER_BYTES + 6 && frame[frame.length - 1] === 0x52 && (tag === 0x01 || tag === 0x4a);
}

/** -1 in serializations that are not read. */
function replyKindOf(serialization: number, bytes: Bytes): number {
  if (serialization === HESSIAN2) return replyKind(byteAt(bytes, HEADER_BYTES));
  return serialization === FASTJSON2 ? fastjson2ReplyKind(bytes[0]!) : -1;
}

function checkMagic(input: ByteQueue): void {
  for (let at = 0; at < Math.min(2, input.length); at++) {
    if (input.at(at) === MAGIC[at]) continue;
    const seen = input.at(at).toString(16).padStart(2, '0');
    throw new ProtocolError(`not Dubbo: byte ${at} of the frame is 0x${seen}, magic is 0xdabb`);
  }
}

const MAGIC = [0xda, 0xbb];
