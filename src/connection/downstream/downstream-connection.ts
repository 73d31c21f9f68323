import type { Duplex } from 'node:stream';
import { type Dispatcher, Failure, type Reply } from '../../call/index.js';
import { ByteQueue, type Codec, type Message, type Protocol } from '../../message/index.js';
import type { Expirable, Timer } from '../../runtime/index.js';
import type { ConnectionCounters, ConnectionEventKind } from '../events.js';
import { FrameWriter } from '../frame-writer.js';
import { closeGently } from '../linger.js';
import type { ByteHolder } from './byte-budget.js';
import { Exchange } from './exchange.js';
import { type Answer, Replies, type Stop } from './replies.js';
import type { Downstream, ResolvedServeOptions } from './serve.js';
import type { StreamExchange } from './stream-exchange.js';
import { DownstreamStreams, type StreamHost } from './streams.js';

/**
 * The serve loop of one downstream: requests go to the mesh as they are read, replies back as {@link Replies} says.
 *
 * - **Bounded**: over a bound of requests under way, of their bytes, of replies that the downstream does not take, or
 *   of the process's budget, nothing more is read, so that the downstream's own sender is held back.
 * - **Half-close**: after the client's end of stream what is under way is still answered, then our side ends.
 *   Streams whose opener still had to say something are over.
 * - **Without a client** nobody waits for what is under way, and it is cancelled; but for one-way requests, which were sent.
 * - **Bytes that are no request** close the connection, as nothing after them can be trusted.
 */
export class DownstreamConnection implements Downstream, StreamHost, ByteHolder, Expirable {
  readonly closed: Promise<void>;
  readonly #queue = new ByteQueue();
  readonly #codec: Codec;
  readonly #writer: FrameWriter;
  readonly #replies: Replies;
  readonly #streams: DownstreamStreams;
  /** Read in this tick: what is still under way at its end is copied out of the read chunk. */
  #fresh: Exchange[] = [];
  #requestBytes = 0;
  #decoding = false;
  #paused = false;
  /** All that was read has been decoded, as far as it is whole. */
  #starved = true;
  #ended = false;
  #draining = false;
  /** Nothing is read or written any more. */
  #over = false;
  /** As our companion knows it. */
  #blocked = false;
  #drainTimer: Timer | undefined = undefined;

  constructor(
    private readonly socket: Duplex,
    private readonly protocol: Protocol,
    private readonly dispatcher: Dispatcher,
    private readonly options: ResolvedServeOptions,
  ) {
    const { maxMessageBytes, counters } = options;
    this.#streams = new DownstreamStreams(this, protocol, options);
    this.#codec = protocol.open('downstream', maxMessageBytes === undefined ? {} : { maxMessageBytes });
    this.#writer = new FrameWriter(socket, () => this.#moved());
    this.#replies = new Replies(protocol, this.#codec, this.#writer, options.maxReplyBytes, (bytes) => {
      counters.bytesWritten += bytes;
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#finish('closed');
        resolve();
      });
    });
    counters.opened++;
    this.#tell('opened');
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('end', () => {
      this.#ended = true;
      this.#endIfDone();
    });
    socket.on('error', (error: Error) => this.#finish(error.message));
  }

  get inFlight(): number {
    return this.#replies.length;
  }

  get counters(): ConnectionCounters {
    return this.options.counters;
  }

  get heldBytes(): number {
    return this.#over ? 0 : this.#replies.bytes + this.#requestBytes;
  }

  drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    const dueAt = this.options.runtime.now() + timeoutMs;
    if (this.#drainTimer === undefined || dueAt < this.#drainTimer.dueAt) {
      this.#drainTimer?.cancel();
      this.#drainTimer = this.options.runtime.timers.armAt(dueAt, this);
    }
    this.#endIfDone();
    return this.closed;
  }

  /** The drain's time is up: what was answered is sent, as far as it is taken at once. */
  expired(): void {
    const { socket } = this;
    if (this.#over) return;
    this.#finish('the drain time is over');
    this.#writer.flush();
    if (socket.writableLength > 0) socket.destroy();
    else socket.end(() => socket.destroy());
  }

  close(reason: string): void {
    if (this.#over) return;
    this.#finish(reason);
    this.#writer.flush();
    closeGently(this.socket, this.options.runtime);
  }

  pass({ bytes }: Message): void {
    if (!this.#over) this.#stop(this.#replies.send(bytes));
  }

  evict(reason: string): void {
    this.#finish(reason, cancel);
    this.socket.destroy();
  }

  budgetFreed(): void {
    this.#goOn();
  }

  dispatch(exchange: Exchange, refusal?: Failure): void {
    this.#begin(exchange);
    if (refusal !== undefined) {
      exchange.fail(refusal);
      return;
    }
    try {
      exchange.handle = this.dispatcher.dispatch(exchange.request, exchange, this.options.peer);
    } catch (error) {
      exchange.fail(Failure.from(error, 'dispatch'));
    }
    if (!exchange.settled) this.#fresh.push(exchange);
  }

  answered(exchange: Exchange, reply: Reply): void {
    if (!this.#over) this.#answer(exchange, this.#replies.encode(exchange, reply));
  }

  failed(exchange: Exchange, failure: Failure): void {
    if (!this.#over) this.#answer(exchange, this.#replies.refuse(exchange, failure));
  }

  streamed(exchange: StreamExchange, message: Message): void {
    if (this.#over) return;
    try {
      this.#stop(this.#replies.send(this.#codec.encode(message, exchange.request)));
    } catch (error) {
      exchange.cancel();
      this.failed(exchange, Failure.from(error, 'encode reply', 'ENCODE_FAILED'));
    }
  }

  dropped(exchange: StreamExchange): void {
    if (!this.#over) this.#answer(exchange, undefined);
  }

  waiting(bytes: number): void {
    this.#requestBytes += bytes;
    if (bytes < 0) this.#goOn();
  }

  /** @internal */
  unpinFresh(): void {
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const exchange of fresh) if (!exchange.settled) exchange.request.unpin();
  }

  #answer(exchange: Exchange, answer: Answer): void {
    this.#requestBytes -= exchange.requestBytes;
    if (this.#streams.size > 0) this.#streams.remove(exchange);
    this.#stop(this.#replies.put(exchange, answer));
    this.#goOn();
    this.#endIfDone();
  }

  #stop(stop: Stop | undefined): void {
    if (stop === 'close') this.close('a refusal that the protocol has no words for');
    if (stop === 'slow') {
      this.evict(`${this.#replies.bytes} bytes of replies not taken (maxReplyBytes ${this.options.maxReplyBytes})`);
    }
  }

  get #full(): boolean {
    const { maxInFlight, maxRequestBytes, maxReplyBytes, budget } = this.options;
    return (
      this.#replies.length - this.#streams.size >= maxInFlight ||
      this.#requestBytes >= maxRequestBytes ||
      this.#replies.bytes >= maxReplyBytes ||
      (budget.pausing && this.heldBytes > 0)
    );
  }

  #read(chunk: Buffer): void {
    if (this.#over) return;
    this.counters.bytesRead += chunk.length;
    this.#queue.push(chunk);
    this.#decode();
  }

  #decode(): void {
    if (this.#decoding) return;
    this.#decoding = true;
    this.#starved = false;
    while (!this.#over && !this.#full) {
      try {
        const message = this.#codec.decode(this.#queue);
        if (message === null) this.#starved = true;
        else this.#receive(message);
      } catch (error) {
        this.#garbage((error as Error).message);
      }
      if (this.#starved) break;
    }
    this.#decoding = false;
    if (this.#over) return;
    this.#holdBack(!this.#starved);
    if (this.#fresh.length > 0) process.nextTick(unpinFresh, this);
    this.#endIfDone();
  }

  #receive(message: Message): void {
    switch (message.kind) {
      case 'request':
      case 'oneway':
        this.dispatch(new Exchange(this, message));
        break;
      case 'heartbeat':
      case 'event':
        this.#answerEvent(message);
        break;
      case 'stream-open':
        this.#streams.open(message);
        break;
      case 'stream-data':
      case 'stream-end':
      case 'stream-close':
        this.#streams.receive(message);
        break;
      default:
        // A reply, where only requests are expected: to a probe of ours, or nobody's.
        this.counters.unknownReplies++;
    }
  }

  #begin(exchange: Exchange): void {
    this.#requestBytes += exchange.requestBytes;
    this.#replies.begin(exchange);
  }

  #answerEvent(event: Message): void {
    if (this.options.companion?.clientSaid(event) === true) return;
    const answer = this.#codec.answer?.(event);
    if (answer === undefined) return;
    this.counters.heartbeatsAnswered++;
    const exchange = new Exchange(this, event);
    this.#begin(exchange);
    exchange.settled = true;
    this.#answer(exchange, answer);
  }

  /** The tick's replies were handed over, or the downstream has taken all. */
  #moved(): void {
    if (this.#over) return;
    this.options.budget.note(this, this.heldBytes);
    const { full } = this.#writer;
    if (full !== this.#blocked) {
      this.#blocked = full;
      this.options.companion?.blocked(full);
    }
    this.#goOn();
  }

  /** Reads on if it was held back and need not be any more. */
  #goOn(): void {
    if (!this.#over && this.#paused && !this.#full) this.#decode();
  }

  #holdBack(full: boolean): void {
    this.options.budget.note(this, this.heldBytes);
    if (full === this.#paused || this.#over) return;
    this.#paused = full;
    if (full) {
      this.counters.readsPaused++;
      this.socket.pause();
    } else {
      this.socket.resume();
    }
  }

  #endIfDone(): void {
    if (this.#over || this.#decoding) return;
    if (this.#ended && this.#starved && this.#streams.size > 0) this.#streams.ended();
    if (this.#replies.length > 0) return;
    if (this.#ended && this.#starved) this.close('the client ended');
    else if (this.#draining && this.#queue.length === 0) this.close('drained');
  }

  #garbage(reason: string): void {
    this.counters.protocolErrors++;
    this.#tell('protocol-error', reason);
    this.close(reason);
  }

  #finish(reason: string, each = leave): void {
    if (this.#over) return;
    this.#over = true;
    this.#drainTimer?.cancel();
    this.#queue.clear();
    this.options.budget.note(this, 0);
    this.counters.closed++;
    this.#tell('closed', reason);
    this.#replies.clear(each);
    this.unpinFresh();
  }

  #tell(kind: ConnectionEventKind, reason?: string): void {
    const { address } = this.options.peer;
    const event = { kind, side: 'downstream', address, protocol: this.protocol.name } as const;
    this.options.listener(reason === undefined ? event : { ...event, reason });
  }
}

function leave(exchange: Exchange): void {
  exchange.leave();
}

function cancel(exchange: Exchange): void {
  exchange.cancel();
}

function unpinFresh(connection: DownstreamConnection): void {
  connection.unpinFresh();
}
