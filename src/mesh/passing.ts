import type { Duplex } from 'node:stream';
import type { Expirable, Runtime } from '../runtime/index.js';

/**
 * A stream to a destination that is none of the mesh's, for closing the mesh. What is under way on it nobody can tell, so
 * that it may go on for all of the drain time.
 */
export class Passing implements Expirable {
  readonly closed: Promise<void>;

  constructor(
    private readonly stream: Duplex,
    private readonly runtime: Runtime,
  ) {
    this.closed = new Promise((resolve) => stream.once('close', () => resolve()));
  }

  /** Cuts it after `timeoutMs`. Resolves when it is closed. */
  drain(timeoutMs: number): Promise<void> {
    const timer = this.runtime.timers.arm(timeoutMs, this);
    timer.ref();
    return this.closed.then(() => timer.cancel());
  }

  expired(): void {
    this.stream.destroy();
  }
}
