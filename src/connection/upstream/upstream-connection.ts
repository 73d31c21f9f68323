import type { AsyncResource } from 'node:async_hooks';
import type { Duplex } from 'node:stream';
import { type Attempt, type Connection, Failure, type FailureCode, type Outcome } from '../../call/index.js';
import { ByteQueue, type Bytes, type Codec, type Message, type Protocol } from '../../message/index.js';
import type { Runtime } from '../../runtime/index.js';
import type { ConnectionCounters } from '../events.js';
import { FrameWriter } from '../frame-writer.js';
import { closeGently } from '../linger.js';
import type { Correlation } from './correlation.js';
import { Ledger, timedOut } from './ledger.js';
import { Liveness, type Watched } from './liveness.js';
import type { ResolvedPoolOptions } from './options.js';
import { UpstreamStreams } from './streams.js';

/** The pool that a connection belongs to. */
export interface ConnectionOwner {
  readonly address: string;
  readonly protocol: Protocol;
  readonly counters: ConnectionCounters;
  /** It may have room again. */
  roomier(connection: UpstreamConnection): void;
  /** It takes no new calls from now on. `byPeer`: the peer itself said so. */
  retired(connection: UpstreamConnection, reason: string, byPeer: boolean): void;
  /** Before its calls are told. */
  closed(connection: UpstreamConnection, failure: Failure): void;
  report(kind: 'protocol-error' | 'silent' | 'unsolicited', reason: string): void;
  /**
   * Of one whose connections are a single client's: takes a heartbeat or an event for the client. Such connections live as long
   * as their client: they are neither watched nor given up for calls that time out.
   * @returns false: it is not for the client, and answered here
   */
  peerSaid?(event: Message, connection: UpstreamConnection): boolean;
  /**
   * Where replies are read, if the peer is of this process: a stream of such a one brings them in the async context of its
   * writer, and with what is read other calls go on.
   */
  readonly scope?: AsyncResource;
}

/** Read and not decoded yet, of a peer of this process. */
const FULL_BYTES = 1024 * 1024;

/** After so many attempts timed out with nothing read between, a peer that has no heartbeats gets no new calls. */
const TIMEOUTS_UNTIL_RETIRED = 3;

/**
 * One open connection to an upstream: sends attempts, finds whose the replies are, and settles every attempt exactly
 * once, whatever the peer does.
 *
 * - **Late, repeated and unknown replies** are swallowed and counted; nobody gets them. Where replies come in order, one
 *   that does not fit means that the order is lost: the connection is closed.
 * - **Bytes that are no reply** close the connection. In order, they answer the oldest call, which fails with
 *   `BAD_REPLY`; multiplexed, only a call that was alone can be blamed. The others are `COLLATERAL`.
 * - **Read in a tick of its own**, right behind the socket's callback. Each reply enters its caller's async scope, and
 *   where the first does so below a frame of C++, Node shrinks its stack of resources and lets it grow again: 1.6 µs.
 * - **Sent or not.** `maybe` from {@link send} on; a connection lost before the tick's frames were flushed says `no`.
 */
export class UpstreamConnection implements Connection, Watched {
  reads = 0;
  /** Takes new calls. */
  accepting = true;
  /** One-call connections are promised before they are sent on. */
  promisedTo: Attempt | undefined = undefined;
  readonly #queue = new ByteQueue();
  readonly #codec: Codec;
  readonly #writer: FrameWriter;
  /** Undefined: it lives as long as its client. */
  readonly #liveness: Liveness | undefined;
  readonly #calls: Ledger;
  #streams: UpstreamStreams | undefined = undefined;
  #timeouts = 0;
  /** What has arrived is about to be read. */
  #reading = false;
  /** The client takes no more. */
  #heldBack = false;
  #closed = false;

  constructor(
    private readonly owner: ConnectionOwner,
    private readonly socket: Duplex,
    calls: Correlation,
    private readonly runtime: Runtime,
    private readonly options: ResolvedPoolOptions,
  ) {
    const { protocol } = owner;
    const maxMessageBytes = options.maxMessageBytes;
    this.#codec = protocol.open('upstream', maxMessageBytes === undefined ? {} : { maxMessageBytes });
    this.#calls = new Ledger(calls);
    this.#writer = new FrameWriter(socket, () => {
      this.#calls.flushed();
      if (this.#closed) return;
      owner.roomier(this);
      this.#streams?.moved();
    });
    if (owner.peerSaid === undefined) {
      this.#liveness = new Liveness(this, runtime, options, protocol.heartbeat !== undefined);
    }
    socket.on('data', (chunk: Buffer) => this.#arrived(chunk));
    socket.on('end', () => this.#peerEnded());
    socket.on('error', (error: Error) => this.#lose('CONNECTION_LOST', error.message, error));
    socket.on('close', () => this.#lose('CONNECTION_LOST', 'the connection was closed'));
  }

  get outstanding(): number {
    return this.#calls.outstanding;
  }

  /** Can it take one more? */
  get hasRoom(): boolean {
    return (
      this.accepting &&
      !this.#writer.full &&
      this.promisedTo === undefined &&
      this.#calls.outstanding < this.options.maxInFlight
    );
  }

  send(attempt: Attempt): void {
    this.promisedTo = undefined;
    const { target } = attempt;
    if (this.#closed) {
      target?.release();
      attempt.lost(new Failure('CONNECTION_LOST', { reason: `${this.owner.address}: closed before it was sent` }));
      return;
    }
    const { kind } = attempt.request;
    const oneway = kind === 'oneway';
    this.#calls.add(attempt, oneway);
    let bytes: Bytes;
    try {
      bytes = this.#codec.encode(attempt.request, attempt, attempt.mutation);
    } catch (error) {
      if (!oneway) this.#calls.undo(attempt);
      target?.release();
      attempt.lost(Failure.from(error, 'encode', 'ENCODE_FAILED'));
      this.owner.roomier(this);
      return;
    }
    attempt.sent = 'maybe';
    this.#write(bytes);
    this.#liveness?.busy();
    if (kind === 'stream-open') this.#opened(attempt);
    if (!oneway) return;
    target?.release();
    attempt.written();
    this.owner.roomier(this);
  }

  abandon(attempt: Attempt, outcome: Outcome): void {
    if (this.#closed) return;
    const reset = attempt.request.kind === 'stream-open' && this.#streams?.reset(attempt, outcome);
    if (!reset && !this.#calls.bury(attempt, this.runtime.now())) return;
    if (
      timedOut(outcome) &&
      ++this.#timeouts >= TIMEOUTS_UNTIL_RETIRED &&
      this.owner.protocol.heartbeat === undefined &&
      this.owner.peerSaid === undefined
    ) {
      this.drain(`${this.#timeouts} attempts timed out and nothing was read between`);
    }
    if (reset) this.drain(ABANDONED);
    else this.#closeIfDone();
  }

  push(attempt: Attempt, message: Message): boolean {
    if (this.#closed || this.#streams === undefined) return true;
    const more = this.#streams.push(attempt, message);
    if (message.kind === 'stream-close') this.drain(ABANDONED);
    return more;
  }

  /** An attempt that this connection was promised to will not be sent. True if it was promised. */
  giveBack(attempt: Attempt): boolean {
    if (this.promisedTo !== attempt) return false;
    this.promisedTo = undefined;
    this.owner.roomier(this);
    this.#closeIfDone();
    return true;
  }

  /** Takes no new calls; closes when nobody waits for a reply any more. */
  drain(reason: string, byPeer = false): void {
    if (this.accepting) {
      this.accepting = false;
      this.owner.retired(this, reason, byPeer);
    }
    this.#closeIfDone();
  }

  /** Sends what the client said of its own accord, as it is. @returns false: not now */
  pass(event: Message): boolean {
    if (this.#closed || this.#writer.full) return false;
    this.#write(event.bytes);
    return true;
  }

  /** Reads nothing more, or does again: only where a single client waits for what is read. */
  holdBack(held: boolean): void {
    this.#heldBack = held;
    if (this.#closed) return;
    if (held) this.socket.pause();
    else this.socket.resume();
  }

  /** Sends nothing more; what was sent may be answered still. */
  end(): void {
    if (this.#closed) return;
    this.accepting = false;
    this.#writer.flush();
    this.socket.end();
  }

  /** Closes at once; calls that wait for a reply are lost. @param error - for a peer of this process */
  destroy(reason: string, error?: Error): void {
    if (error !== undefined) this.socket.destroy(error);
    this.#lose('CONNECTION_LOST', reason, error);
  }

  probe(): boolean {
    const probe = this.owner.protocol.heartbeat?.();
    if (probe === undefined) return false;
    this.owner.counters.heartbeatsSent++;
    this.#write(probe);
    return true;
  }

  check(): void {
    if (this.runtime.now() - this.#calls.oldestTombstone >= this.options.maxTombstoneMs) {
      this.drain(`owes a reply to a call that was given up ${this.options.maxTombstoneMs} ms ago`);
    }
  }

  /** An open connection without calls does not keep the process from ending. */
  rest(resting: boolean): void {
    const socket = this.socket as Duplex & { ref?(): void; unref?(): void };
    if (resting) socket.unref?.();
    else socket.ref?.();
  }

  silent(reason: string): void {
    this.owner.report('silent', reason);
    this.#lose('CONNECTION_LOST', `the peer is silent: ${reason}`);
  }

  idle(): void {
    this.#shut(`no calls for ${this.options.idleMs} ms`);
  }

  #write(bytes: Bytes): void {
    this.owner.counters.bytesWritten += this.#writer.write(bytes);
  }

  #arrived(chunk: Buffer): void {
    if (this.#closed) return;
    this.reads++;
    this.#timeouts = 0;
    this.owner.counters.bytesRead += chunk.length;
    this.#queue.push(chunk);
    const { scope } = this.owner;
    // Within the process a writer may go on for a whole turn, as long as it is not told to wait.
    if (scope !== undefined && this.#queue.length > FULL_BYTES) this.socket.pause();
    if (this.#reading) return;
    this.#reading = true;
    if (scope === undefined) process.nextTick(this.#read);
    else scope.runInAsyncScope(process.nextTick, process, this.#read);
  }

  /** One function a connection: arguments of a tick would be an array each time. */
  readonly #read = (): void => {
    this.#reading = false;
    while (!this.#closed && this.#queue.length > 0) {
      let message: Message | null;
      try {
        message = this.#codec.decode(this.#queue);
      } catch (error) {
        this.#reject((error as Error).message, error);
        return;
      }
      if (message === null) break;
      this.#receive(message);
    }
    if (this.#closed) return;
    if (!this.#heldBack && this.socket.isPaused()) this.socket.resume();
    this.#closeIfDone();
    if (!this.#closed) this.owner.roomier(this);
  };

  #receive(message: Message): void {
    if (message.kind === 'response' || message.kind === 'error') {
      this.#reply(message);
      return;
    }
    try {
      if (message.kind === 'heartbeat' || message.kind === 'event') this.#said(message);
      else if (isOfStream(message)) this.#streamed(message);
      else this.#unsolicited(message);
    } catch (error) {
      this.#reject((error as Error).message, error);
    }
  }

  #reply(message: Message): void {
    const delivery = this.#calls.deliver(message);
    if (delivery === 'delivered') return;
    if (delivery === 'late') {
      this.owner.counters.lateReplies++;
      return;
    }
    this.owner.counters.unknownReplies++;
    if (this.#calls.ordered) this.#reject('a reply that nobody asked for, where replies come in order');
  }

  #opened(attempt: Attempt): void {
    this.#streams ??= new UpstreamStreams(this.#calls, this.#codec, this.#writer, (bytes) => this.#write(bytes));
    attempt.pass.call.stream?.opened(attempt);
  }

  #streamed(message: Message): void {
    if (this.#streams?.receive(message) !== true) this.owner.counters.lateReplies++;
  }

  #said(event: Message): void {
    if (this.owner.peerSaid?.(event, this) === true) return;
    if (event.kind === 'heartbeat') this.#answer(event);
    else this.#unsolicited(event);
  }

  #answer(message: Message): void {
    const answer = this.#codec.answer?.(message);
    if (answer === undefined) return;
    this.owner.counters.heartbeatsAnswered++;
    this.#write(answer);
  }

  #unsolicited(message: Message): void {
    const { counters, protocol } = this.owner;
    counters.unsolicited++;
    if (message.kind === 'event') {
      this.#answer(message);
      if (protocol.unsolicited?.(message) === 'drain') this.drain('the peer takes no new calls', true);
      return;
    }
    this.owner.report('unsolicited', `${message.kind} ${message.operation}: a shared connection takes no calls`);
    if (message.kind !== 'request') return;
    const refusal = this.#codec.reject(message, REFUSED);
    if (refusal !== undefined && refusal !== 'close') this.#write(refusal);
  }

  /** To a single client's it is answered by our end, as the client itself would; of others it is the end. */
  #peerEnded(): void {
    const gently = this.owner.peerSaid !== undefined;
    if (gently && !this.#closed) closeGently(this.socket, this.runtime);
    this.#lose('CONNECTION_LOST', 'the peer closed the connection', undefined, gently);
  }

  #closeIfDone(): void {
    if (this.accepting || this.#closed || this.#calls.live > 0 || this.promisedTo !== undefined) return;
    this.#shut();
  }

  #reject(reason: string, cause?: unknown): void {
    this.owner.counters.protocolErrors++;
    this.owner.report('protocol-error', reason);
    this.#lose('BAD_REPLY', reason, cause);
  }

  /** Nobody waits for anything: closes once all is sent. */
  #shut(reason = 'drained'): void {
    this.#writer.flush();
    closeGently(this.socket, this.runtime);
    this.#lose('CONNECTION_LOST', reason, undefined, true);
  }

  #lose(code: FailureCode, reason: string, cause?: unknown, closing = false): void {
    if (this.#closed) return;
    this.#closed = true;
    this.accepting = false;
    this.#liveness?.stop();
    this.#queue.clear();
    const failure = new Failure(code, { reason: `${this.owner.address}: ${reason}`, sent: 'maybe', cause });
    this.owner.closed(this, failure);
    if (!closing) this.socket.destroy();
    this.#calls.lose(failure);
  }
}

const ABANDONED = 'its stream was given up by who opened it';

function isOfStream({ kind }: Message): boolean {
  return kind === 'stream-data' || kind === 'stream-end' || kind === 'stream-close';
}

const REFUSED = { code: 'BAD_REQUEST', message: 'this end takes no calls' } as const;
