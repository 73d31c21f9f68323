import type { Duplex } from 'node:stream';
import { type Attempt, type Connection, Failure } from '../../call/index.js';
import type { Peer } from '../../cluster/index.js';
import type { Protocol } from '../../message/index.js';
import type { Expirable, Runtime, Timer } from '../../runtime/index.js';
import { ConnectionCounters, type ConnectionEventKind, type ConnectionListener } from '../events.js';
import { formatAddress, type SocketAddress, type TransportSocket } from '../transport-socket.js';
import { Backoff } from './backoff.js';
import { correlationFor } from './correlations.js';
import { Dial, type Dialer } from './dial.js';
import type { ResolvedPoolOptions } from './options.js';
import { type ConnectionOwner, UpstreamConnection } from './upstream-connection.js';
import { WaitingLine } from './waiting-line.js';

/**
 * The connections to one address, shared by every cluster that names it. An attempt gets the least loaded connection
 * that has room. When none has, another is opened, up to the maximum, and the attempt waits in line for whichever is
 * first: the new one, or a place on an old one.
 *
 * - **A dead host is not hammered.** After a failed connect the next one is tried only after a back-off; attempts that come
 *   meanwhile, and find no connection open, are refused at once with the last error, so that another endpoint gets them.
 * - **A peer that drains** (read-only, GOAWAY) gets no new calls on that connection; a fresh one is tried after the same
 *   back-off, since what says so is often about to be replaced by what listens on the same address.
 * - **A stream has a connection of its own**, of a pool within the pool: one that ends before the upstream ends it takes its
 *   connection with it, since that is what surely tells the upstream. After an orderly end the connection serves another.
 * - **Nothing waits for ever**: while attempts wait there is an open connection whose replies make room, or a dial
 *   with a time limit; when the last of both fails, all that wait are refused.
 */
export class PeerPool implements Peer, ConnectionOwner, Dialer, Expirable {
  readonly address: string;
  readonly #connections: UpstreamConnection[] = [];
  readonly #dials = new Set<Dial>();
  readonly #waiting = new WaitingLine();
  readonly #backoff: Backoff;
  /** Connections that take no new calls and still have some. */
  readonly #leaving = new Set<UpstreamConnection>();
  #drainTimer: Timer | undefined = undefined;
  #drained: (() => void)[] | undefined = undefined;
  #connectTimeoutMs: number;
  #maxConnections: number;
  /** By those that hold it. */
  #allowed = Number.POSITIVE_INFINITY;
  #holders = 0;
  /** Of its streams; undefined: there was none yet. */
  #streams: PeerPool | undefined = undefined;

  constructor(
    readonly target: SocketAddress,
    readonly protocol: Protocol,
    private readonly transport: TransportSocket,
    private readonly runtime: Runtime,
    private readonly options: ResolvedPoolOptions,
    private readonly listener: ConnectionListener,
    /** The last holder let go: drain it. */
    private readonly unused: (pool: PeerPool) => void,
    readonly counters = new ConnectionCounters(),
  ) {
    this.address = formatAddress(target);
    this.#backoff = new Backoff(runtime, options);
    this.#connectTimeoutMs = options.connectTimeoutMs;
    this.#maxConnections = options.maxConnections;
  }

  get open(): number {
    return this.#connections.length + (this.#streams?.open ?? 0);
  }

  get waiting(): number {
    return this.#waiting.length + (this.#streams?.waiting ?? 0);
  }

  /** Calls sent and not answered, tombstones included. */
  get outstanding(): number {
    let sum = this.#streams?.outstanding ?? 0;
    for (const connection of this.#connections) sum += connection.outstanding;
    for (const connection of this.#leaving) sum += connection.outstanding;
    return sum;
  }

  get ready(): boolean {
    return this.#connections.length > 0;
  }

  get draining(): boolean {
    return this.#drained !== undefined || (this.#connections.length === 0 && this.#backoff.afterDrain);
  }

  checkout(attempt: Attempt): Connection | undefined {
    if (attempt.request.kind === 'stream-open' && this.options.maxInFlight > 1) {
      return this.#streamPool().checkout(attempt);
    }
    const connection = this.#waiting.length === 0 ? this.#roomiest() : undefined;
    if (connection === undefined) return this.#wait(attempt);
    if (this.options.maxInFlight === 1) connection.promisedTo = attempt;
    return connection;
  }

  withdraw(attempt: Attempt): void {
    if (this.#waiting.leave(attempt)) return;
    for (const connection of this.#connections) if (connection.giveBack(attempt)) return;
    for (const connection of this.#leaving) if (connection.giveBack(attempt)) return;
    this.#streams?.withdraw(attempt);
  }

  /** A holder that wants to know sooner: the smallest wish of all holders counts. */
  hold(connectTimeoutMs = this.#connectTimeoutMs, maxConnections = this.#allowed): this {
    this.#holders++;
    this.#allowed = Math.min(this.#allowed, maxConnections);
    this.#maxConnections = Math.max(1, Math.min(this.#maxConnections, maxConnections));
    this.#connectTimeoutMs = Math.min(this.#connectTimeoutMs, connectTimeoutMs);
    this.#streams?.hold(connectTimeoutMs, maxConnections);
    return this;
  }

  release(): void {
    if (--this.#holders === 0) this.unused(this);
  }

  /** Lets its calls end, those that wait included, then closes; cuts what is left after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void> {
    this.#drained ??= [];
    const done = new Promise<void>((resolve) => this.#drained!.push(resolve));
    const dueAt = this.runtime.now() + timeoutMs;
    if (this.#drainTimer === undefined || dueAt < this.#drainTimer.dueAt) {
      this.#drainTimer?.cancel();
      this.#drainTimer = this.runtime.timers.armAt(dueAt, this);
    }
    this.#letGo();
    return this.#streams === undefined ? done : Promise.all([done, this.#streams.drain(timeoutMs)]).then(() => {});
  }

  /** The drain's time is up. */
  expired(): void {
    this.#refuseAll(new Failure('DRAINING', { reason: `${this.address}: not connected by the end of its drain time` }));
    for (const connection of [...this.#connections, ...this.#leaving]) connection.destroy('the drain time is over');
    this.#letGo();
  }

  connected(dial: Dial, socket: Duplex): void {
    this.#dials.delete(dial);
    this.#backoff.succeeded();
    this.counters.opened++;
    const calls = correlationFor(this.protocol.sharing);
    const connection = new UpstreamConnection(this, socket, calls, this.runtime, this.options);
    this.#connections.push(connection);
    this.#tell('opened');
    this.roomier(connection);
    this.#letGo();
  }

  failed(dial: Dial, reason: string, cause: unknown): void {
    this.#dials.delete(dial);
    this.counters.connectFailures++;
    const failure = new Failure('CONNECT_FAILED', { reason, cause });
    this.#backoff.failed(failure);
    this.#tell('connect-failed', reason);
    if (this.#connections.length === 0 && this.#dials.size === 0) this.#refuseAll(failure);
    this.#letGo();
  }

  roomier(connection: UpstreamConnection): void {
    while (this.#waiting.length > 0 && connection.hasRoom) {
      const attempt = this.#waiting.shift();
      if (attempt === undefined) break;
      if (this.options.maxInFlight === 1) connection.promisedTo = attempt;
      attempt.connected(connection);
    }
    if (this.#drained !== undefined) this.#letGo();
  }

  closed(connection: UpstreamConnection, failure: Failure): void {
    this.counters.closed++;
    // For those that wait nothing was sent, whatever is true of those that were sent on it.
    const refusal = new Failure('CONNECT_FAILED', { reason: failure.message, cause: failure.cause });
    // Accepted and hung up on: as good as not connected.
    if (connection.reads === 0 && connection.outstanding > 0) this.#backoff.failed(refusal);
    this.#leaving.delete(connection);
    this.#remove(connection);
    this.#tell('closed', failure.message);
    this.#moveOn(refusal);
    this.#letGo();
  }

  report(kind: ConnectionEventKind, reason: string): void {
    this.#tell(kind, reason);
  }

  /** {@link ConnectionOwner}: a connection takes no new calls. */
  retired(connection: UpstreamConnection, reason: string, byPeer: boolean): void {
    this.#remove(connection);
    this.#leaving.add(connection);
    const failure = new Failure('CONNECT_FAILED', { reason: `${this.address}: ${reason}` });
    if (byPeer) this.#backoff.drained(failure);
    this.#tell('draining', reason);
    this.#moveOn(failure);
  }

  #streamPool(): PeerPool {
    if (this.#streams !== undefined) return this.#streams;
    const { target, protocol, transport, runtime, listener, counters } = this;
    const options = { ...this.options, maxInFlight: 1, maxConnections: MAX_STREAMS };
    const streams = new PeerPool(target, protocol, transport, runtime, options, listener, () => {}, counters);
    this.#streams = streams.hold(this.#connectTimeoutMs, this.#allowed);
    if (this.#drained !== undefined) void streams.drain(Math.max(0, this.#drainTimer!.dueAt - runtime.now()));
    return streams;
  }

  #remove(connection: UpstreamConnection): void {
    const at = this.#connections.indexOf(connection);
    if (at >= 0) this.#connections.splice(at, 1);
  }

  #roomiest(): UpstreamConnection | undefined {
    const connections = this.#connections;
    let best: UpstreamConnection | undefined;
    for (let i = 0; i < connections.length; i++) {
      const connection = connections[i]!;
      if (!connection.hasRoom) continue;
      if (best === undefined || connection.outstanding < best.outstanding) best = connection;
    }
    return best;
  }

  #wait(attempt: Attempt): undefined {
    const nothingComes = this.#connections.length === 0 && this.#dials.size === 0;
    if (nothingComes) {
      const refusal = this.#drained === undefined ? this.#backoff.refusal : GONE;
      if (refusal !== undefined) return void attempt.refused(refusal);
    }
    if (this.#waiting.length >= this.options.maxPending) {
      const reason = `${this.address}: ${this.#waiting.length} attempts wait for a connection already (maxPending)`;
      return void attempt.refused(new Failure('OVERFLOW', { reason }));
    }
    this.#waiting.join(attempt);
    this.#dialIfNeeded();
    return undefined;
  }

  /** A connection is gone: those that wait get a new one, or are told. */
  #moveOn(failure: Failure): void {
    if (this.#waiting.length === 0) return;
    this.#dialIfNeeded();
    if (this.#connections.length === 0 && this.#dials.size === 0) this.#refuseAll(this.#backoff.refusal ?? failure);
  }

  #dialIfNeeded(): void {
    const { maxInFlight } = this.options;
    while (
      this.#dials.size * maxInFlight < this.#waiting.length &&
      this.#dials.size + this.#connections.length < this.#maxConnections &&
      this.#backoff.refusal === undefined
    ) {
      this.#dials.add(new Dial(this, this.transport, this.target, this.runtime, this.#connectTimeoutMs));
    }
  }

  #refuseAll(failure: Failure): void {
    // Those that come again while this runs are refused by the back-off, not by this loop.
    for (let left = this.#waiting.length; left > 0; left--) this.#waiting.shift()?.refused(failure);
  }

  /** While draining: closes what has no calls, and ends when nothing is left. */
  #letGo(): void {
    if (this.#drained === undefined || this.#waiting.length > 0) return;
    for (const dial of this.#dials) dial.abort();
    this.#dials.clear();
    for (const connection of [...this.#connections]) connection.drain('nobody needs the peer any more');
    if (this.#connections.length > 0 || this.#leaving.size > 0) return;
    this.#drainTimer?.cancel();
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  #tell(kind: ConnectionEventKind, reason?: string): void {
    const event = { kind, side: 'upstream', address: this.address, protocol: this.protocol.name } as const;
    this.listener(reason === undefined ? event : { ...event, reason });
  }
}

/** Connections of streams to one address, unless a cluster that names it wants fewer: as where each call has its own. */
const MAX_STREAMS = 1024;

const GONE = new Failure('DRAINING', { reason: 'nobody needs the endpoint any more' });
