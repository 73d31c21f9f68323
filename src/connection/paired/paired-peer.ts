import type { Duplex } from 'node:stream';
import { type Attempt, type Connection, type DownstreamPeer, Failure } from '../../call/index.js';
import type { Peer } from '../../cluster/index.js';
import type { Protocol } from '../../message/index.js';
import type { Runtime } from '../../runtime/index.js';
import { type Companion, type Downstream, remoteAddress } from '../downstream/serve.js';
import { ConnectionCounters, type ConnectionListener } from '../events.js';
import { type PoolOptions, resolvePoolOptions } from '../upstream/options.js';
import { type AppStreams, Pair, type PairParts } from './pair.js';

export interface PairedPeerOptions {
  readonly protocol: Protocol;
  readonly runtime: Runtime;
  /** Of the app, for people. */
  readonly address: string;
  /** Only the longest reply counts: the rest is of connections that come and go. */
  readonly pool?: PoolOptions | undefined;
  readonly listener: ConnectionListener;
}

/**
 * The upstream of an app that is served without a listener of ours: each client has streams of its own to it, a {@link Pair}.
 * An attempt goes to those of the client that its call came from.
 */
export class PairedPeer implements Peer {
  readonly ready = true;
  readonly draining = false;
  readonly counters = new ConnectionCounters();
  readonly #pairs = new Map<DownstreamPeer, Pair>();
  readonly #parts: PairParts;

  constructor({ protocol, runtime, address, pool, listener }: PairedPeerOptions) {
    const options = resolvePoolOptions({ maxMessageBytes: pool?.maxMessageBytes }, protocol.sharing);
    this.#parts = { protocol, runtime, address, options, listener, counters: this.counters };
  }

  /** Clients that are connected. */
  get clients(): number {
    return this.#pairs.size;
  }

  /**
   * Joins a client with the app.
   * @param serve - reads the client's requests; its calls must carry the peer that it is given
   */
  join(client: Duplex, app: AppStreams, serve: (peer: DownstreamPeer, companion: Companion) => Downstream): void {
    const peer: DownstreamPeer = { address: remoteAddress(client), identity: undefined, verifiedBy: 'none' };
    const pair = new Pair(app, this.#parts);
    this.#pairs.set(peer, pair);
    pair.join(client, serve(peer, pair));
    client.once('close', () => this.#pairs.delete(peer));
  }

  checkout(attempt: Attempt): Connection | undefined {
    const pair = this.#pairOf(attempt);
    if (pair !== undefined) return pair.checkout(attempt);
    attempt.refused(NOBODYS);
    return undefined;
  }

  withdraw(attempt: Attempt): void {
    this.#pairOf(attempt)?.withdraw(attempt);
  }

  release(): void {}

  #pairOf({ pass }: Attempt): Pair | undefined {
    const { peer } = pass.call;
    return peer === undefined ? undefined : this.#pairs.get(peer);
  }
}

const NOBODYS = new Failure('CONNECT_FAILED', { reason: 'the client of the call is not connected any more' });
