import {
  type ByteQueue,
  type Bytes,
  byteLength,
  type Codec,
  type CodecOptions,
  contiguous,
  MAX_MESSAGE_BYTES,
  Message,
  type MessageKind,
  type Mutation,
  ProtocolError,
  type Rejection,
  type Side,
  Slab,
  type WireId,
} from '../../../src/message/index.js';
import { detect, readFrame } from './frame.js';
import { MORE } from './head.js';
import { editedHeader } from './headers/edit.js';
import { wireName } from './name.js';
import { thriftReader } from './reader.js';
import { exceptionFrame, rejectFrame } from './reject.js';
import { Rewriter } from './rewrite.js';
import { View } from './view.js';
import { Walker } from './walk/index.js';
import { hasHeader, isDeclared, TRANSPORT, type Transport, TYPE, typeOf } from './wire.js';

/** Of a large frame that straddles read chunks, so much is joined: the head is to be found in one piece. */
const HEAD_BYTES = 512;
/** Of a reply that is too large, so much is waited for to find its head in. */
const OVERSIZED_HEAD_BYTES = 8192;

const NO_NAMES: ReadonlySet<string> = new Set();

/**
 * Messages tell their direction themselves, so one class serves both sides. Where the transport tells lengths nothing is read
 * but the head; where it does not, the message is walked through. What cannot be Thrift, or is over the size limit, ends
 * the connection; but for replies that tell their length, which are swallowed and replaced by one that says so.
 */
export class ThriftCodec implements Codec {
  readonly #maxBytes: number;
  readonly #rewriter: Rewriter;
  #walker: Walker | undefined = undefined;
  /** Bytes of a reply over the limit that are still to be swallowed. */
  #skipping = 0;

  constructor(
    private readonly side: Side,
    options: CodecOptions = {},
    /** Methods that get no reply though they are called with type call, as Go's clients do; names as on the wire. */
    private readonly oneway: ReadonlySet<string> = NO_NAMES,
  ) {
    this.#maxBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
    this.#rewriter = new Rewriter(options.slab ?? new Slab(), this.#maxBytes);
  }

  decode(input: ByteQueue): Message | null {
    if (this.#skipping > 0 && !this.#skip(input)) return null;
    if (input.length === 0) return null;
    const transport = detect(input);
    if (transport === undefined) return null;
    if (transport === TRANSPORT.UNFRAMED) return this.#unframed(input);
    const length = (input.at(0) << 24) | (input.at(1) << 16) | (input.at(2) << 8) | input.at(3);
    if (length < 0) throw new ProtocolError(`a Thrift frame whose length is negative (${length})`);
    const total = 4 + length;
    if (total > this.#maxBytes) return this.#oversized(input, total, transport);
    return input.length < total ? null : this.#told(read(input.take(total), total, transport));
  }

  encode(message: Message, id: WireId = message, mutation?: Mutation): Bytes {
    const header =
      mutation !== undefined && mutation.size > 0 && hasHeader(message.tag)
        ? editedHeader(message, mutation)
        : undefined;
    if (header === undefined && (id.idLow | 0) === (message.idLow | 0)) return message.bytes;
    return this.#rewriter.rewrite(message, id.idLow | 0, header);
  }

  reject(request: Message, failure: Rejection): Bytes | undefined {
    return rejectFrame(request, failure);
  }

  #unframed(input: ByteQueue): Message | null {
    this.#walker ??= new Walker();
    const length = this.#walker.lengthOf(input, this.#maxBytes);
    return length < 0 ? null : this.#told(read(input.take(length), length, TRANSPORT.UNFRAMED));
  }

  /** The message, of the kind that it has by its name. */
  #told(message: Message): Message {
    if (this.oneway.size === 0 || message.kind !== 'request' || !this.oneway.has(wireName(message))) return message;
    const { bytes, idHigh, idLow, tag, view } = message;
    const told = new Message('oneway', bytes, thriftReader, idHigh, idLow, tag);
    told.view = view;
    return told;
  }

  /** @returns whether it is all gone */
  #skip(input: ByteQueue): boolean {
    const now = Math.min(this.#skipping, input.length);
    input.skip(now);
    this.#skipping -= now;
    return this.#skipping === 0;
  }

  #oversized(input: ByteQueue, total: number, transport: Transport): Message | null {
    const reason = `the reply has ${total} bytes, the limit is ${this.#maxBytes}`;
    if (this.side === 'downstream') {
      throw new ProtocolError(`a Thrift frame of ${total} bytes; the limit is ${this.#maxBytes}`);
    }
    const head = input.peek(Math.min(input.length, OVERSIZED_HEAD_BYTES))!;
    const view = new View();
    const tag = readFrame(head, total, transport, view);
    if (tag === MORE) {
      if (head.length < Math.min(total, OVERSIZED_HEAD_BYTES)) return null;
      throw new ProtocolError(reason);
    }
    this.#skipping = total;
    this.#skip(input);
    const failure = { code: 'REPLY_TOO_LARGE', message: `REPLY_TOO_LARGE: ${reason}` };
    const told = exceptionFrame(view.inflated ?? head, tag, view, failure, head);
    return read(told, byteLength(told), transport);
  }
}

function read(bytes: Bytes, total: number, transport: Transport): Message {
  const view = new View();
  let pieces = bytes;
  let tag = readFrame(pieces[0]!, total, transport, view);
  if (tag === MORE && pieces.length > 1) {
    pieces = withHead(bytes, Math.min(HEAD_BYTES, total));
    tag = readFrame(pieces[0]!, total, transport, view);
    if (tag === MORE) {
      pieces = [contiguous(bytes)];
      tag = readFrame(pieces[0]!, total, transport, view);
    }
  }
  if (tag === MORE) throw new ProtocolError(`a Thrift message of ${total} bytes that ends inside its head`);
  const message = new Message(kindOf(tag), pieces, thriftReader, view.seq < 0 ? -1 : 0, view.seq, tag);
  message.view = view;
  return message;
}

function kindOf(tag: number): MessageKind {
  switch (typeOf(tag)) {
    case TYPE.CALL:
      return 'request';
    case TYPE.ONEWAY:
      return 'oneway';
    case TYPE.REPLY:
      return isDeclared(tag) ? 'error' : 'response';
    default:
      return 'error';
  }
}

/** The same bytes, the first `length` of them in one piece. */
function withHead(bytes: Bytes, length: number): Bytes {
  if (bytes[0]!.length >= length) return bytes;
  const head = Buffer.allocUnsafe(length);
  const pieces: Buffer[] = [head];
  let at = 0;
  for (const segment of bytes) {
    const copied = segment.copy(head, at);
    at += copied;
    if (copied < segment.length) pieces.push(segment.subarray(copied));
  }
  return pieces;
}
