import type { Attempt, Failure, Reply, StreamEdge } from '../../call/index.js';
import type { Message } from '../../message/index.js';
import { Exchange, type ExchangeOwner } from './exchange.js';

/** Where the messages of a stream go. */
export interface StreamOwner extends ExchangeOwner {
  /** A message of the upstream, for the one that opened the stream. */
  streamed(exchange: StreamExchange, message: Message): void;
  /** It has ended, and its opener knows. */
  dropped(exchange: StreamExchange): void;
  /** So many bytes more wait for the upstream, or fewer. */
  waiting(bytes: number): void;
}

/** What a message takes besides its bytes, measured: messages of a stream may have none of their own, and be very many. */
const MESSAGE_BYTES = 256;

/**
 * A stream of a downstream until it has ended. What its opener sends before the upstream is there, or while it takes no
 * more, waits here, in order; the owner counts the bytes, and reads no more over its bound.
 */
export class StreamExchange extends Exchange implements StreamEdge {
  readonly stream = this;
  answered = false;
  committed = false;
  /** Its opener has said all that it will. */
  ended = false;
  /** Of the same low half of the id, opened before. */
  sibling: StreamExchange | undefined = undefined;
  #attempt: Attempt | undefined = undefined;
  #waiting: Message[] = [];
  #bytes = 0;
  #held = false;

  constructor(
    private readonly downstream: StreamOwner,
    opening: Message,
  ) {
    super(downstream, opening);
  }

  /** Of what waits, as memory; the opening itself is kept as long as the stream is there. */
  override get requestBytes(): number {
    return this.#bytes;
  }

  /** A message of the opener. */
  push(message: Message): void {
    if (this.settled) return;
    if (message.kind === 'stream-end') this.ended = true;
    if (message.kind === 'stream-close') this.#close(message);
    else if (this.#ready && this.#waiting.length === 0) this.#send(message);
    else this.#wait(message);
  }

  opened(attempt: Attempt): void {
    this.#attempt = attempt;
    this.#held = false;
    this.#flush();
  }

  deliver(message: Message): void {
    if (this.settled) return;
    this.answered = true;
    this.committed = true;
    this.downstream.streamed(this, message);
  }

  resume(): void {
    this.#held = false;
    this.#flush();
  }

  override reply(reply: Reply): void {
    this.#drop();
    super.reply(reply);
  }

  override fail(failure: Failure): void {
    this.#drop();
    super.fail(failure);
  }

  override cancel(): void {
    this.#drop();
    super.cancel();
  }

  get #ready(): boolean {
    return this.#attempt !== undefined && !this.#attempt.settled && !this.#held;
  }

  #send(message: Message): void {
    const attempt = this.#attempt!;
    this.committed = true;
    this.#held = attempt.connection!.push?.(attempt, message) === false;
  }

  /** The opener ends the stream for both: that is passed on, if the upstream is there, and nothing is answered. */
  #close(message: Message): void {
    if (this.#ready && this.#waiting.length === 0) this.#send(message);
    this.abandon();
  }

  /** Its opener is gone, or wants no more of it. */
  abandon(): void {
    if (this.settled) return;
    this.cancel();
    this.downstream.dropped(this);
  }

  #wait(message: Message): void {
    message.unpin();
    const held = message.size + MESSAGE_BYTES;
    this.#waiting.push(message);
    this.#bytes += held;
    this.downstream.waiting(held);
  }

  #flush(): void {
    let sent = 0;
    while (this.#ready && sent < this.#waiting.length) {
      const message = this.#waiting[sent++]!;
      const held = message.size + MESSAGE_BYTES;
      this.#bytes -= held;
      this.downstream.waiting(-held);
      this.#send(message);
    }
    if (sent > 0) this.#waiting.splice(0, sent);
  }

  #drop(): void {
    this.#waiting = [];
    if (this.#bytes > 0) this.downstream.waiting(-this.#bytes);
    this.#bytes = 0;
  }
}
