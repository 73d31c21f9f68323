import type { Peer } from '../../cluster/index.js';
import type { Protocol } from '../../message/index.js';
import type { Runtime } from '../../runtime/index.js';
import { type ConnectionListener, nobodyListens } from '../events.js';
import { formatAddress, plainTransport, type SocketAddress, type TransportSocket } from '../transport-socket.js';
import { type PoolOptions, resolvePoolOptions } from './options.js';
import { PeerPool } from './peer-pool.js';
import { ReservedPeer } from './reserved-peer.js';

export interface PeersOptions {
  readonly runtime: Runtime;
  /** @defaultValue {@link plainTransport} */
  readonly transport?: TransportSocket;
  readonly pool?: PoolOptions;
  readonly listener?: ConnectionListener;
}

/** What a cluster wants of all its peers. */
export interface PeerTerms {
  readonly protocol: Protocol;
  /** Peers of different TLS identities are different peers. @defaultValue '', plain */
  readonly tls?: string;
  /** The cluster's; the smallest of all that share the peer counts. */
  readonly connectTimeoutMs?: number;
  /** The cluster's, for each of its endpoints; the smallest that was ever asked for while the peer lives. */
  readonly maxConnections?: number;
}

export interface PeerWish extends PeerTerms {
  readonly address: SocketAddress;
}

/**
 * The peers of a mesh, one for each address, protocol and TLS identity, however many clusters name it: 200 interfaces on
 * 20 providers need 20 connections, not 4,000.
 */
export class Peers {
  readonly #pools = new Map<string, PeerPool>();
  /** Let go by all, with calls that still run. */
  readonly #ending = new Set<PeerPool>();
  readonly #options: PeersOptions;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** The peer, held until `release()` is called once for each `acquire`. Connects when first called. */
  acquire(wish: PeerWish): Peer {
    const key = keyOf(wish);
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = this.#create(key, wish);
      this.#pools.set(key, pool);
    }
    return pool.hold(wish.connectTimeoutMs, wish.maxConnections);
  }

  /** {@link acquire} with the first call, or at once if others have the peer: so who follows them finds it connected. */
  reserve(host: string, port: number, terms: PeerTerms): Peer {
    if (this.#pools.size > 0) {
      const wish = { ...terms, address: { host, port } };
      if (this.#pools.has(keyOf(wish))) return this.acquire(wish);
    }
    return new ReservedPeer(this, host, port, terms);
  }

  /** All that have connections or calls, for figures and tools. */
  *[Symbol.iterator](): IterableIterator<PeerPool> {
    yield* this.#pools.values();
    yield* this.#ending;
  }

  /** Lets all calls end and closes; cuts what is left after `timeoutMs`. Peers take no new calls meanwhile. */
  async drain(timeoutMs: number): Promise<void> {
    await Promise.all([...this].map((pool) => pool.drain(timeoutMs)));
  }

  #create(key: string, wish: PeerWish): PeerPool {
    const { runtime, transport = plainTransport, listener = nobodyListens, pool = {} } = this.#options;
    const options = resolvePoolOptions(pool, wish.protocol.sharing);
    return new PeerPool(wish.address, wish.protocol, transport, runtime, options, listener, (unused) => {
      this.#pools.delete(key);
      this.#ending.add(unused);
      void unused.drain(options.drainTimeoutMs).then(() => this.#ending.delete(unused));
    });
  }
}

function keyOf({ protocol, tls = '', address }: PeerWish): string {
  return `${protocol.name}\n${tls}\n${formatAddress(address)}`;
}
