import type { Attempt, Connection } from '../../call/index.js';
import type { Peer } from '../../cluster/index.js';
import type { PeerTerms, PeerWish } from './peers.js';

/**
 * A peer that its first call makes. Of tens of thousands of endpoints a process calls few, and a pool that waits for calls
 * takes 2 KB and is no less work to let go than one that had some.
 */
export class ReservedPeer implements Peer {
  #peer: Peer | undefined = undefined;

  constructor(
    private readonly peers: { acquire(wish: PeerWish): Peer },
    private readonly host: string,
    private readonly port: number,
    private readonly terms: PeerTerms,
  ) {}

  checkout(attempt: Attempt): Connection | undefined {
    this.#peer ??= this.peers.acquire({ ...this.terms, address: { host: this.host, port: this.port } });
    return this.#peer.checkout(attempt);
  }

  withdraw(attempt: Attempt): void {
    this.#peer?.withdraw(attempt);
  }

  get ready(): boolean {
    return this.#peer?.ready ?? false;
  }

  get draining(): boolean {
    return this.#peer?.draining ?? false;
  }

  release(): void {
    this.#peer?.release();
  }
}
