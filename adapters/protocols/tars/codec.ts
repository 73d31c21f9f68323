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
import { edited } from './edits.js';
import { FieldWalker, TYPE } from './fields.js';
import { Head, headOf, isTup, LENGTH_BYTES, REQUEST, RESPONSE, readHead, readTail, tailOf, VERSION } from './head.js';
import { findPair } from './pairs.js';
import { RESULT_CODE, tarsReader } from './reader.js';
import { errorReply, rejectFrame } from './reject.js';
import { RET } from './ret-codes.js';

/** Of a large packet that straddles read chunks, so much is joined: what stands before the body is to be found in one piece. */
const HEAD_BYTES = 1024;

/**
 * Packets do not tell their direction, so a codec reads requests downstream and replies upstream. There is no magic: a
 * length or field that makes no sense ends the connection. Bodies are passed over by their length.
 */
export class TarsCodec implements Codec {
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
    const length = input.peek(LENGTH_BYTES);
    if (length === null) return null;
    const total = length.readUInt32BE(0);
    if (total <= LENGTH_BYTES) throw new ProtocolError(`TARS packet: ${total} bytes, its length included`);
    if (total > this.#maxBytes) return this.#tooLarge(input, total);
    if (input.length < total) return null;
    return read(input.take(total), this.#isReply);
  }

  encode(message: Message, id: WireId = message, mutation?: Mutation): Bytes {
    const head = headOf(message);
    if (head === undefined) return message.bytes;
    if (sameWireId(message, id) && (mutation === undefined || mutation.size === 0)) return message.bytes;
    return edited(message, head, id.idLow, mutation, this.#slab);
  }

  reject(request: Message, failure: Rejection): Bytes | undefined {
    return rejectFrame(request, failure);
  }

  /** @returns whether it is all gone */
  #skip(input: ByteQueue): boolean {
    const now = Math.min(this.#skipping, input.length);
    input.skip(now);
    this.#skipping -= now;
    return this.#skipping === 0;
  }

  /** A reply that is too large is replaced by one that says so, and swallowed as it comes: its neighbours go on. */
  #tooLarge(input: ByteQueue, total: number): Message | null {
    const text = `${total} bytes; the limit is ${this.#maxBytes}`;
    if (!this.#isReply) throw new ProtocolError(`TARS packet: ${text}`);
    const front = input.peek(Math.min(total, HEAD_BYTES));
    if (front === null) return null;
    const reply = read([Buffer.from(front)], true, true);
    this.#skipping = total;
    this.#skip(input);
    return read([errorReply(reply, RET.DECODE, `REPLY_TOO_LARGE: the reply has ${text}`)], true);
  }
}

/** @param part - only the front of the packet is at hand: of the body there is as much as there is */
function read(bytes: Bytes, isReply: boolean, part = false): Message {
  const head = new Head(isReply);
  const arranged = bytes.length === 1 && !part ? whole(bytes[0]!, head) : arrange(bytes, head, part);
  if (head.idAt === 0) throw new ProtocolError('TARS packet: it has no request id');
  const message = new Message(kindOf(arranged, head), arranged, tarsReader, 0, head.id, 0);
  message.view = head;
  return message;
}

function whole(frame: Buffer, head: Head): Bytes {
  readHead(frame, frame.length, head);
  return [frame];
}

/** First what stands before the body, last what follows it, each in one piece, the body between them as it came. */
function arrange(bytes: Bytes, head: Head, part: boolean): Bytes {
  const first = bytes[0]!;
  const front = first.length >= HEAD_BYTES ? first : Buffer.concat(bytes, Math.min(HEAD_BYTES, length(bytes)));
  const body = bodyOf(front, head.isReply);
  if (body === undefined || (!part && (body.end <= front.length || body.end > length(bytes)))) {
    const joined = Buffer.concat(bytes);
    readHead(joined, joined.length, head);
    return [joined];
  }
  readHead(front, body.start, head);
  head.tailAt = 0;
  if (part) return [front, EMPTY];
  const tail = slices(bytes, body.end, length(bytes));
  return [front, ...slices(bytes, front.length, body.end), tail.length === 1 ? tail[0]! : Buffer.concat(tail)];
}

const walker = new FieldWalker();

/** Where the body stands, if what precedes it is in this piece and it is a list of bytes. */
function bodyOf(front: Buffer, isReply: boolean): { readonly start: number; readonly end: number } | undefined {
  let bodyTag = isReply ? RESPONSE.BODY : REQUEST.BODY;
  for (let at = LENGTH_BYTES; at < front.length; at = walker.at) {
    const type = front[at]! & 15;
    const tag = front[at]! >> 4;
    if (tag >= bodyTag) return tag === bodyTag && type === TYPE.BYTES ? bytesAt(front, at) : undefined;
    try {
      walker.open(front, at, front.length).next();
    } catch {
      return undefined;
    }
    if (tag === VERSION && isTup(walker.int32())) bodyTag = REQUEST.BODY;
  }
  return undefined;
}

/** A list of bytes: a head, the type of its elements, a count in one to four bytes. */
function bytesAt(front: Buffer, start: number): { readonly start: number; readonly end: number } | undefined {
  const sizes = [1, 2, 4];
  const type = (front[start + 2] ?? TYPE.STRUCT_END) & 15;
  const size = type === TYPE.ZERO ? 0 : sizes[type];
  const at = start + 3;
  if (front[start + 1] !== 0 || size === undefined || at + size > front.length) return undefined;
  const count = size === 0 ? 0 : front.readIntBE(at, size);
  return count < 0 ? undefined : { start, end: at + size + count };
}

function slices(bytes: Bytes, from: number, to: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  for (const segment of bytes) {
    const start = Math.max(0, from - at);
    const end = Math.min(segment.length, to - at);
    if (start < end) found.push(end - start === segment.length ? segment : segment.subarray(start, end));
    at += segment.length;
  }
  return found;
}

function length(bytes: Bytes): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += bytes[i]!.length;
  return sum;
}

function kindOf(bytes: Bytes, head: Head): MessageKind {
  if (!head.isReply) return head.oneway ? 'oneway' : 'request';
  if (head.isTup) {
    const { statusAt, statusEnd } = readTail(bytes, head);
    head.ret = Number(findPair(tailOf(bytes), statusAt, statusEnd, RESULT_CODE.toLowerCase()) ?? 0) || 0;
  }
  return head.ret === RET.OK ? 'response' : 'error';
}

const EMPTY = Buffer.alloc(0);
