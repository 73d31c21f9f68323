/**
 * One client of an app, and the stream that the app has of it. What a shared upstream does for many clients would be wrong here:
 *
 * - **One to one.** Apps keep books by a connection's remote address, so that all calls of the client go over the one stream, at
 *   once, as the client sent them. Only streams of the protocol get further ones: see `PeerPool`.
 * - **As long as the client.** It is neither probed, nor closed when idle, nor given up for calls that time out. Heartbeats and
 *   events pass, both ways, so that each end knows of the other what it would know without us.
 * - **As fast as the client.** While the client takes no more replies, the app's stream is not read, so that its writes wait.
 * - **Ends.** The client's end is shown to the app when what is under way is answered; after 5 s in any case, since an
 *   app which never answers must learn that nobody waits. A reset is passed on as one. The app's end closes the
 *   client's connection, after what was written to it.
 */
import { AsyncResource } from 'node:async_hooks';
import type { Duplex } from 'node:stream';
import { type Attempt, type Connection, Failure } from '../../call/index.js';
import type { Message, Protocol } from '../../message/index.js';
import type { Expirable, Runtime, Timer } from '../../runtime/index.js';
import type { Companion, Downstream } from '../downstream/serve.js';
import type { ConnectionCounters, ConnectionEventKind, ConnectionListener } from '../events.js';
import { LINGER_MS } from '../linger.js';
import { ByIdOrTurn } from '../upstream/by-id-or-turn.js';
import { correlationFor } from '../upstream/correlations.js';
import type { ResolvedPoolOptions } from '../upstream/options.js';
import { type ConnectionOwner, UpstreamConnection } from '../upstream/upstream-connection.js';
import { WaitingLine } from '../upstream/waiting-line.js';

/** What all pairs of an app have in common. */
export interface PairParts {
  readonly protocol: Protocol;
  readonly runtime: Runtime;
  /** The app, in events and failures. */
  readonly address: string;
  /** Of a connection, what it says of the longest message. */
  readonly options: ResolvedPoolOptions;
  readonly counters: ConnectionCounters;
  readonly listener: ConnectionListener;
}

/** The app's ends of one client. */
export interface AppStreams {
  /** The other end of what the app has. Open. */
  readonly main: Duplex;
  /** Opens another, for a stream of the client. */
  readonly open: () => Duplex;
}

export class Pair implements ConnectionOwner, Companion, Expirable {
  readonly address: string;
  readonly protocol: Protocol;
  readonly counters: ConnectionCounters;
  /** That of the client: see {@link ConnectionOwner.scope}. */
  readonly scope = new AsyncResource('meltemi.client');
  readonly #main: UpstreamConnection;
  readonly #streams = new Set<UpstreamConnection>();
  readonly #waiting = new WaitingLine();
  readonly #multiplexed: boolean;
  #downstream: Downstream | undefined = undefined;
  #timer: Timer | undefined = undefined;
  #blocked = false;

  constructor(
    private readonly app: AppStreams,
    private readonly parts: PairParts,
  ) {
    const { protocol, address, counters, options } = parts;
    this.protocol = protocol;
    this.address = address;
    this.counters = counters;
    this.#multiplexed = protocol.sharing === 'multiplexed';
    this.#main = this.#connection(app.main, { ...options, maxInFlight: Number.POSITIVE_INFINITY });
  }

  /** The client, and what serves it: once. */
  join(client: Duplex, downstream: Downstream): void {
    this.#downstream = downstream;
    client.once('end', () => {
      this.#timer = this.parts.runtime.timers.arm(LINGER_MS, this);
    });
    client.once('close', () => {
      this.#timer?.cancel();
      const reset = client.errored;
      for (const connection of [this.#main, ...this.#streams]) {
        if (reset !== null) connection.destroy(`the client's connection broke: ${reset.message}`, reset);
        else connection.drain('the client ended');
      }
    });
  }

  /** @see Peer.checkout */
  checkout(attempt: Attempt): Connection | undefined {
    const main = this.#main;
    if (!main.accepting) attempt.refused(GONE);
    else if (attempt.request.kind === 'stream-open') return this.#streamFor(attempt);
    else if (this.#waiting.length === 0 && main.hasRoom) return main;
    else this.#waiting.join(attempt);
    return undefined;
  }

  /** @see Peer.withdraw */
  withdraw(attempt: Attempt): void {
    if (this.#waiting.leave(attempt)) return;
    for (const connection of this.#streams) if (connection.giveBack(attempt)) return;
  }

  /** The client ended 5 s ago, and what it asked for is not answered. */
  expired(): void {
    this.#main.end();
    for (const connection of this.#streams) connection.end();
    this.#refuseAll();
  }

  roomier(connection: UpstreamConnection): void {
    if (connection !== this.#main) return;
    while (this.#waiting.length > 0 && connection.hasRoom) this.#waiting.shift()?.connected(connection);
  }

  retired(_connection: UpstreamConnection, reason: string): void {
    this.report('draining', reason);
  }

  closed(connection: UpstreamConnection, { message }: Failure): void {
    this.counters.closed++;
    this.report('closed', message);
    if (this.#streams.delete(connection)) return;
    this.#refuseAll();
    // Its calls are told after this, and answered.
    process.nextTick(() => this.#downstream?.close(message));
  }

  report(kind: ConnectionEventKind, reason?: string): void {
    const { address, protocol } = this;
    const event = { kind, side: 'upstream', address, protocol: protocol.name } as const;
    this.parts.listener(reason === undefined ? event : { ...event, reason });
  }

  /** The app's heartbeats and events go to the client as they are. */
  peerSaid(event: Message, connection: UpstreamConnection): boolean {
    if (connection !== this.#main || !this.#passes(event)) return false;
    this.#downstream?.pass(event);
    return true;
  }

  /** The client's go to the app, unless the app takes no more. */
  clientSaid(event: Message): boolean {
    return this.#passes(event) && this.#main.pass(event);
  }

  blocked(blocked: boolean): void {
    this.#blocked = blocked;
    this.#main.holdBack(blocked);
    for (const connection of this.#streams) connection.holdBack(blocked);
  }

  /**
   * Where replies come in order, nothing may come between them. Events mean the same to the other end only in protocols that say
   * what they mean: elsewhere they are of a stream, and known by ids that are not the other end's.
   */
  #passes({ kind }: Message): boolean {
    return this.#multiplexed && (kind === 'heartbeat' || this.protocol.unsolicited !== undefined);
  }

  /** As a pool has it: a connection for each stream; one whose stream has ended in order takes the next. */
  #streamFor(attempt: Attempt): Connection | undefined {
    for (const connection of this.#streams) if (connection.hasRoom) return promised(connection, attempt);
    let stream: Duplex;
    try {
      stream = this.app.open();
    } catch (error) {
      attempt.refused(Failure.from(error, 'open a stream to the app', 'CONNECT_FAILED'));
      return undefined;
    }
    const connection = this.#connection(stream, { ...this.parts.options, maxInFlight: 1 });
    if (this.#blocked) connection.holdBack(true);
    this.#streams.add(connection);
    return promised(connection, attempt);
  }

  #connection(stream: Duplex, options: ResolvedPoolOptions): UpstreamConnection {
    const { runtime, protocol } = this.parts;
    const calls = protocol.sharing === 'exclusive' ? new ByIdOrTurn() : correlationFor(protocol.sharing);
    this.counters.opened++;
    this.report('opened');
    return new UpstreamConnection(this, stream, calls, runtime, options);
  }

  #refuseAll(): void {
    for (let left = this.#waiting.length; left > 0; left--) this.#waiting.shift()?.refused(GONE);
  }
}

function promised(connection: UpstreamConnection, attempt: Attempt): UpstreamConnection {
  connection.promisedTo = attempt;
  return connection;
}

const GONE = new Failure('CONNECT_FAILED', { reason: 'the app has ended the connection, or its client has' });
