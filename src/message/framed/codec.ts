/**
 * The codec of every framed protocol. Bodies are never looked into or copied. A wrong constant, an unknown kind or a length
 * that cannot be ends the connection, as nobody can say where the next message begins; a reply over the limit is swallowed
 * as it comes and fails its call alone.
 */
import type { ByteQueue } from '../byte-queue.js';
import { type Bytes, byteLength } from '../bytes.js';
import {
  type Codec,
  type CodecOptions,
  MAX_MESSAGE_BYTES,
  ProtocolError,
  type Rejection,
  type Side,
} from '../codec.js';
import { Message, type MessageKind } from '../message.js';
import type { Mutation } from '../mutation.js';
import { COPY_FRAME_UP_TO, Slab } from '../slab.js';
import { sameWireId, type WireId } from '../wire-id.js';
import type { Layout, Slot } from './layout.js';
import { readHigh, readNumber, writeHalves, writeNumber, writeText } from './numbers.js';
import { changePairs, MAX_PAIRS_BYTES } from './pairs.js';
import type { FramedReader } from './reader.js';
import type { FramedKind } from './table.js';

/** Of the text of a refusal, in bytes. */
const MAX_TEXT = 1000;
/** `Message.tag` of a heartbeat that wants an answer. */
const PING = 1;

export class FramedCodec implements Codec {
  readonly #slab: Slab;
  readonly #maxBytes: number;
  /** Bytes of a reply over the limit that are still to be swallowed. */
  #skipping = 0;

  constructor(
    private readonly layout: Layout,
    private readonly reader: FramedReader,
    private readonly side: Side,
    options: CodecOptions = {},
  ) {
    this.#slab = options.slab ?? new Slab();
    this.#maxBytes = options.maxMessageBytes ?? layout.table.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  }

  decode(input: ByteQueue): Message | null {
    if (this.#skipping > 0 && !this.#skip(input)) return null;
    const { layout } = this;
    const head = input.peek(layout.bytes);
    if (head === null) {
      this.#checkConstants(input.peek(input.length)!);
      return null;
    }
    this.#checkConstants(head);
    const total = this.#total(head);
    const kind = this.#kind(head);
    if (total > this.#maxBytes) return this.#tooLarge(input, head, kind, total);
    const pairs = this.#pairs(head, total);
    if (input.length < total) return null;
    return this.#message(kind, input.takeWithHead(total, layout.bytes + pairs));
  }

  encode(message: Message, id: WireId = message, mutation?: Mutation): Bytes {
    if (mutation !== undefined && mutation.size > 0) return this.#changed(message, id, mutation);
    const { bytes } = message;
    const { layout } = this;
    if (layout.id === undefined || sameWireId(message, id)) return bytes;
    const first = bytes[0]!;
    const small = bytes.length === 1 && first.length <= COPY_FRAME_UP_TO;
    const head = this.#slab.take(small ? first.length : layout.bytes);
    first.copy(head, 0, 0, head.length);
    writeHalves(head, layout.id, id.idHigh, id.idLow, layout.little);
    return small ? [head] : [head, first.subarray(layout.bytes), ...bytes.slice(1)];
  }

  /** The request's own header, so that every correlator is echoed, with the failure's text for a body. */
  reject(request: Message, failure: Rejection): Bytes | 'close' | undefined {
    if (request.kind === 'oneway') return undefined;
    const { layout } = this;
    const kind = layout.valueOf('error') ?? layout.valueOf('response');
    const canSay = layout.status !== undefined || layout.valueOf('error') !== undefined;
    if (!canSay || (layout.kind !== undefined && kind === undefined)) return 'close';
    return [this.#errorReply(request.bytes[0]!, kind, failure.message)];
  }

  answer(event: Message): Bytes | undefined {
    if (event.kind !== 'heartbeat' || event.tag !== PING) return undefined;
    const { kind, bytes, little } = this.layout;
    const head = Buffer.from(event.bytes[0]!.subarray(0, bytes));
    writeNumber(head, kind!, this.layout.valueOf('pong')!, little);
    return [head, event.bytes[0]!.subarray(bytes), ...event.bytes.slice(1)];
  }

  #errorReply(header: Buffer, kind: number | undefined, text: string): Buffer {
    const { layout } = this;
    const { little } = layout;
    const body = Buffer.from(text).subarray(0, Math.min(MAX_TEXT, layout.maxBytes - layout.bytes));
    const reply = Buffer.alloc(layout.bytes + body.length);
    header.copy(reply, 0, 0, layout.bytes);
    body.copy(reply, layout.bytes);
    if (layout.kind !== undefined && kind !== undefined) writeNumber(reply, layout.kind, kind, little);
    if (layout.status !== undefined) writeNumber(reply, layout.status, layout.rejectStatus, little);
    if (layout.pairs !== undefined) writeNumber(reply, layout.pairs, 0, little);
    this.layout.writeLength(reply, reply.length);
    return reply;
  }

  #message(kind: FramedKind, bytes: Bytes): Message {
    const { id, little } = this.layout;
    const head = bytes[0]!;
    const low = id === undefined ? 0 : readNumber(head, id, little);
    const high = id === undefined ? 0 : readHigh(head, id, little);
    const isPing = kind === 'ping';
    const what = isPing || kind === 'pong' ? 'heartbeat' : this.#withStatus(kind, head);
    return new Message(what, bytes, this.reader, high | 0, low | 0, isPing ? PING : 0);
  }

  #withStatus(kind: MessageKind, head: Buffer): MessageKind {
    const { status, statusOf, little } = this.layout;
    if (kind !== 'response' || status === undefined) return kind;
    return statusOf.get(readNumber(head, status, little)) === 'ok' ? kind : 'error';
  }

  #changed(message: Message, id: WireId, mutation: Mutation): Bytes {
    const { layout } = this;
    const { little, pairs } = layout;
    const { bytes } = message;
    const first = bytes[0]!;
    const from = layout.bytes;
    const to = pairs === undefined ? from : from + readNumber(first, pairs, little);
    const isField = (key: string) => layout.attributes.has(key);
    const pairBytes = pairs === undefined ? EMPTY : changePairs(first, from, to, mutation, isField, little);
    if (pairBytes.length > MAX_PAIRS_BYTES) {
      throw new RangeError(`the pairs would have ${pairBytes.length} bytes; at most ${MAX_PAIRS_BYTES}`);
    }
    const head = this.#slab.take(from + pairBytes.length);
    first.copy(head, 0, 0, from);
    pairBytes.copy(head, from);
    for (const [key, value] of mutation.entries()) {
      const slot = layout.attributes.get(key.toLowerCase());
      if (slot?.mutable === true) writeText(head, slot, value ?? blank(slot), little);
    }
    if (layout.id !== undefined) writeHalves(head, layout.id, id.idHigh, id.idLow, little);
    if (pairs !== undefined) writeNumber(head, pairs, pairBytes.length, little);
    this.layout.writeLength(head, byteLength(bytes) - to + head.length);
    return [head, first.subarray(to), ...bytes.slice(1)];
  }

  #checkConstants(head: Buffer): void {
    const { constants, little, table } = this.layout;
    for (const { slot, value } of constants) {
      if (slot.at + slot.size > head.length) return;
      const seen = readNumber(head, slot, little);
      if (seen !== value) throw new ProtocolError(`not ${table.name}: ${slot.name} is ${seen}, and must be ${value}`);
    }
  }

  #total(head: Buffer): number {
    const { length, lengthIsRest, bytes, little, table } = this.layout;
    const said = readHigh(head, length, little) * 2 ** 32 + readNumber(head, length, little);
    const total = lengthIsRest ? bytes + said : said;
    if (total < bytes) throw new ProtocolError(`${table.name}: ${length.name} is ${said}, less than the header`);
    return total;
  }

  #kind(head: Buffer): FramedKind {
    const { kind, kindOf, little, table } = this.layout;
    if (kind === undefined) return this.side === 'downstream' ? 'request' : 'response';
    const value = readNumber(head, kind, little);
    const what = kindOf.get(value);
    if (what === undefined)
      throw new ProtocolError(`${table.name}: ${kind.name} is ${value}, which is no kind of message`);
    return what;
  }

  #pairs(head: Buffer, total: number): number {
    const { pairs, little, bytes, table } = this.layout;
    if (pairs === undefined) return 0;
    const said = readNumber(head, pairs, little);
    if (said < 0 || said > total - bytes || said > MAX_PAIRS_BYTES) {
      const room = Math.min(total - bytes, MAX_PAIRS_BYTES);
      throw new ProtocolError(`${table.name}: ${pairs.name} is ${said}; there is room for ${room} bytes`);
    }
    return said;
  }

  /** A reply is replaced by one that says so, and swallowed as it comes: its neighbours go on. */
  #tooLarge(input: ByteQueue, head: Buffer, kind: FramedKind, total: number): Message {
    const { layout } = this;
    const text = `${total} bytes; the limit is ${this.#maxBytes}`;
    if (kind !== 'response' && kind !== 'error') throw new ProtocolError(`${layout.table.name}: a message of ${text}`);
    const error = this.#errorReply(head, layout.valueOf('error'), `REPLY_TOO_LARGE: the reply has ${text}`);
    this.#skipping = total;
    this.#skip(input);
    return this.#message(layout.status === undefined ? 'error' : kind, [error]);
  }

  /** @returns whether it is all gone */
  #skip(input: ByteQueue): boolean {
    const now = Math.min(this.#skipping, input.length);
    input.skip(now);
    this.#skipping -= now;
    return this.#skipping === 0;
  }
}

const EMPTY = Buffer.alloc(0);

/** What a deleted field is: fields are always there. */
function blank({ isText }: Slot): string {
  return isText ? '' : '0';
}
