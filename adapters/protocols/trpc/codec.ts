import {
  type ByteQueue,
  type Bytes,
  type Codec,
  type CodecOptions,
  MAX_MESSAGE_BYTES,
  Message,
  type MessageKind,
  type Mutation,
  ProtocolError,
  type Rejection,
  type Side,
  Slab,
  sameWireId,
  type WireId,
} from '../../../src/message/index.js';
import { mutated, renumbered } from './edits.js';
import {
  FIXED_BYTES,
  FRAME,
  frameOf,
  MAGIC,
  MAX_HEADER_BYTES,
  streamIdOf,
  tagOf,
  VERDICT,
  type Verdict,
  versionOf,
  writeStreamId,
} from './fixed-header.js';
import { Head, readClose, readInit, readUnary } from './head.js';
import { headOf, trpcReader } from './reader.js';
import { errorReply, rejectFrame, resetFrame } from './reject.js';
import { closeVerdict, RET, verdictFor } from './ret-codes.js';

/**
 * Frames do not tell their direction, so a codec reads requests downstream and replies upstream. The fixed header and the
 * protobuf header must be whole and make sense: what does not ends the connection, since nobody could be answered.
 * Bodies and attachments are not looked at.
 */
export class TrpcCodec implements Codec {
  readonly #reply: boolean;
  readonly #slab: Slab;
  readonly #maxBytes: number;
  /** Bytes of a reply over the limit that are still to be swallowed. */
  #skipping = 0;

  constructor(side: Side, options: CodecOptions = {}) {
    this.#reply = side === 'upstream';
    this.#slab = options.slab ?? new Slab();
    this.#maxBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  }

  decode(input: ByteQueue): Message | null {
    if (this.#skipping > 0 && !this.#skip(input)) return null;
    if (input.at(0) !== MAGIC[0] || input.at(1) !== MAGIC[1]) checkMagic(input);
    if (input.length < FIXED_BYTES) return null;
    const total = uint16(input, 4) * 0x10000 + uint16(input, 6);
    const head = FIXED_BYTES + uint16(input, 8);
    const frame = frameType(input);
    if (total < head) throw new ProtocolError(`tRPC frame: ${total} bytes in all at byte 4, ${head} of them headers`);
    if (total > this.#maxBytes) return this.#tooLarge(input, total, head, frame);
    if (frame !== FRAME.UNARY && frame !== FRAME.DATA && total > FIXED_BYTES + MAX_HEADER_BYTES) {
      throw new ProtocolError(`tRPC stream frame of type ${frame}: ${total} bytes; it is a header, and may have 65551`);
    }
    if (input.length < total) return null;
    if (frame === FRAME.UNARY) return unary(input.takeWithHead(total, head), this.#reply);
    return streamed(input.takeWithHead(total, frame === FRAME.DATA ? FIXED_BYTES : total), frame, this.#reply);
  }

  /** @returns whether it is all gone */
  #skip(input: ByteQueue): boolean {
    const now = Math.min(this.#skipping, input.length);
    input.skip(now);
    this.#skipping -= now;
    return this.#skipping === 0;
  }

  /** A reply that is too large is replaced by one that says so, and swallowed as it comes: its neighbours go on. */
  #tooLarge(input: ByteQueue, total: number, head: number, frame: number): Message | null {
    const limit = this.#maxBytes;
    if (!this.#reply || frame !== FRAME.UNARY) {
      throw new ProtocolError(`tRPC frame: ${total} bytes, by the length at byte 4; the limit is ${limit}`);
    }
    if (input.length < head) return null;
    const [first] = input.takeWithHead(head, head);
    const { requestId } = readUnary(first!, true, new Head());
    this.#skipping = total - head;
    const reason = `REPLY_TOO_LARGE: the reply has ${total} bytes, the limit is ${limit}`;
    return unary(errorReply(streamIdOf(first!), requestId, versionOf(first!), RET.SERVER_ENCODE, reason), true);
  }

  encode(message: Message, id: WireId = message, mutation?: Mutation): Bytes {
    const head = headOf(message);
    const isUnary = frameOf(message.tag) === FRAME.UNARY;
    const streamId = isUnary ? id.idHigh : id.idLow;
    if (mutation !== undefined && mutation.size > 0 && head !== undefined && head.infoNumber !== 0) {
      return mutated(message, head, mutation, streamId, id.idLow, this.#slab);
    }
    if (sameWireId(message, id)) return message.bytes;
    if (isUnary) return renumbered(message, head!, streamId, id.idLow, this.#slab);
    return this.#ofStream(message.bytes, streamId);
  }

  /** A stream frame has its only id in the fixed header. */
  #ofStream(bytes: Bytes, streamId: number): Bytes {
    const first = bytes[0]!;
    const fixed = this.#slab.take(FIXED_BYTES);
    first.copy(fixed, 0, 0, FIXED_BYTES);
    writeStreamId(fixed, streamId);
    return [fixed, first.subarray(FIXED_BYTES), ...bytes.slice(1)];
  }

  reject(request: Message, failure: Rejection): Bytes | undefined {
    return rejectFrame(request, failure);
  }

  reset(id: WireId, failure: Rejection): Bytes {
    return resetFrame(id.idLow, failure);
  }
}

function unary(bytes: Bytes, reply: boolean): Message {
  const frame = bytes[0]!;
  const head = readUnary(frame, reply, new Head());
  const verdict = reply ? verdictFor(head.ret, head.funcRet) : VERDICT.OK;
  const kind = reply ? (verdict === VERDICT.OK ? 'response' : 'error') : head.oneway ? 'oneway' : 'request';
  return message(kind, bytes, streamIdOf(frame), head.requestId, tagOf(FRAME.UNARY, reply, verdict), head);
}

/**
 * A server's CLOSE ends the stream for both, whatever its type: trpc-go sends it when the handler has returned, and reads no
 * more. A client's ends it only as a reset; otherwise it just sends no more.
 */
function streamed(bytes: Bytes, frame: number, reply: boolean): Message {
  const first = bytes[0]!;
  const head = frame === FRAME.INIT || frame === FRAME.CLOSE ? new Head() : undefined;
  let kind: MessageKind = 'stream-data';
  let verdict: Verdict = VERDICT.OK;
  if (frame === FRAME.INIT) {
    readInit(first, reply, head!);
    verdict = verdictFor(head!.ret, 0);
    if (!reply) kind = 'stream-open';
    else if (verdict !== VERDICT.OK) kind = 'stream-close';
  } else if (frame === FRAME.CLOSE) {
    const reset = readClose(first, head!);
    verdict = closeVerdict(reset, head!.ret, head!.funcRet);
    kind = reply || reset ? 'stream-close' : 'stream-end';
  }
  return message(kind, bytes, 0, streamIdOf(first), tagOf(frame, reply, verdict), head);
}

function message(kind: MessageKind, bytes: Bytes, high: number, low: number, tag: number, head?: Head): Message {
  const made = new Message(kind, bytes, trpcReader, high, low, tag);
  made.view = head;
  return made;
}

function frameType(input: ByteQueue): number {
  const type = input.at(2);
  const streamType = input.at(3);
  if (type === 0 && streamType === 0) return FRAME.UNARY;
  if (type === 1 && streamType >= FRAME.INIT && streamType <= FRAME.CLOSE) return streamType;
  throw new ProtocolError(`tRPC frame: type ${type}, stream type ${streamType} at byte 2; there is no such frame`);
}

function uint16(input: ByteQueue, at: number): number {
  return (input.at(at) << 8) | input.at(at + 1);
}

function checkMagic(input: ByteQueue): void {
  for (let at = 0; at < Math.min(2, input.length); at++) {
    if (input.at(at) === MAGIC[at]) continue;
    const seen = input.at(at).toString(16).padStart(2, '0');
    throw new ProtocolError(`not tRPC: byte ${at} of the frame is 0x${seen}, magic is 0x0930`);
  }
}
