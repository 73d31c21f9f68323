import { Failure, type Reply } from '../../call/index.js';
import { type Bytes, byteLength, type Codec, type Protocol, type Rejection } from '../../message/index.js';
import type { FrameWriter } from '../frame-writer.js';
import { type Exchange, ExchangeList } from './exchange.js';
import { StreamExchange } from './stream-exchange.js';

/** What goes back for a request: bytes, the end of the connection where the protocol has no words, or nothing. */
export type Answer = Bytes | 'close' | undefined;

/** Why no more can be written: the protocol has no words for a refusal, or the downstream does not take its replies. */
export type Stop = 'close' | 'slow';

/**
 * The exchanges of one downstream, and its replies on their way out: with the ids of their requests, as they come, or in
 * the order of their requests where the protocol has no ids to tell them apart.
 */
export class Replies {
  readonly #exchanges = new ExchangeList();
  readonly #ordered: boolean;
  /** Of replies that wait for their turn. */
  #heldBytes = 0;

  constructor(
    private readonly protocol: Protocol,
    private readonly codec: Codec,
    private readonly writer: FrameWriter,
    /** At twice as many bytes not taken, the downstream is given up. */
    private readonly maxBytes: number,
    private readonly written: (bytes: number) => void,
  ) {
    this.#ordered = protocol.sharing !== 'multiplexed';
  }

  /** Exchanges under way. */
  get length(): number {
    return this.#exchanges.length;
  }

  /** Bytes of replies that the downstream has not taken. */
  get bytes(): number {
    return this.writer.unsent + this.#heldBytes;
  }

  begin(exchange: Exchange): void {
    this.#exchanges.push(exchange);
  }

  encode(exchange: Exchange, reply: Reply): Answer {
    const { message } = reply;
    if (message === undefined) return undefined;
    const { request } = exchange;
    if (this.#ordered && exchange !== this.#exchanges.first) message.unpin();
    let { mutation } = reply;
    if (mutation !== undefined && this.protocol.takesReplyMutation?.(request) === false) mutation = undefined;
    try {
      return this.codec.encode(message, request, mutation);
    } catch (error) {
      return this.refuse(exchange, Failure.from(error, 'encode reply', 'ENCODE_FAILED'));
    }
  }

  refuse(exchange: Exchange, failure: Failure): Answer {
    const { request } = exchange;
    try {
      if (exchange instanceof StreamExchange && exchange.answered)
        return this.codec.reset?.(request, failure) ?? 'close';
      return this.codec.reject(request, refusalOf(failure));
    } catch {
      return 'close';
    }
  }

  /** Ends the exchange with its answer, which goes out now or in its turn. */
  put(exchange: Exchange, answer: Answer): Stop | undefined {
    if (!this.#ordered) {
      this.#exchanges.remove(exchange);
      return answer === undefined ? undefined : this.send(answer);
    }
    exchange.answer = answer ?? NOTHING;
    if (exchange.answer !== 'close') this.#heldBytes += byteLength(exchange.answer);
    for (let first = this.#exchanges.first; first?.answer !== undefined; first = this.#exchanges.first) {
      this.#exchanges.remove(first);
      if (first.answer !== 'close') this.#heldBytes -= byteLength(first.answer);
      const stop = this.send(first.answer);
      if (stop !== undefined) return stop;
    }
    return this.#heldBytes >= 2 * this.maxBytes ? 'slow' : undefined;
  }

  /** Out of turn: where there is no order. One reply goes out however long it is, if little waits before it. */
  send(answer: Bytes | 'close'): Stop | undefined {
    if (answer === 'close') return 'close';
    if (this.bytes >= 2 * this.maxBytes) return 'slow';
    this.written(this.writer.write(answer));
    return undefined;
  }

  clear(each: (exchange: Exchange) => void): void {
    this.#exchanges.clear(each);
  }
}

/** In order, also what gets no answer has its turn. */
const NOTHING: Bytes = [];

/** Peers take `DRAINING` as leave to try elsewhere, as nothing ran. Of a call that was cut nobody knows. */
function refusalOf(failure: Failure): Rejection {
  if (failure.code !== 'DRAINING' || failure.sent === 'no') return failure;
  return { code: 'CONNECTION_LOST', message: failure.message };
}
