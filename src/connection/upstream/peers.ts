import type { Peer } from '../../cluster/index.js';
import type { Protocol } from '../../message/index.js';
import type { Runtime } from '../../runtime/index.js';
import { type ConnectionListener, nobodyListens } from '../events.js';
import { formatAddress, plainTransport, type SocketAddress, type TransportSocket } from '../transport-socket.js';
import { type PoolOptions, resolvePoolOptions } from './options.js';
import { PeerPool } from './peer-pool.js';

export interface PeersOptions {
  readonly runtime: Runtime;
  /** @defaultValue {@link plainTransport} */
  readonly transport?: TransportSocket;
  readonly pool?: PoolOptions;
  readonly listener?: ConnectionListener;
}

export interface PeerWish {
  readonly address: SocketAddress;
  readonly protocol: Protocol;
  /** Peers of different TLS identities are different peers. @defaultValue '', plain */
  readonly tls?: string;
  /** The cluster's; the smallest of all that share the peer counts. */
  readonly connectTimeoutMs?: number;
  /** The cluster's, for each of its endpoints; the smallest that was ever asked for while the peer lives. */
  readonly maxConnections?: number;
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
    const key = `${wish.protocol.name}\n${wish.tls ?? ''}\n${formatAddress(wish.address)}`;
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = this.#create(key, wish);
      this.#pools.set(key, pool);
    }
    return pool.hold(wish.connectTimeoutMs, wish.maxConnections);
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
