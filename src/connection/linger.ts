import type { Duplex } from 'node:stream';
import type { Expirable, Runtime } from '../runtime/index.js';

/** How long a peer may take to read what was written and to end its own side, ms. */
export const LINGER_MS = 5000;

/**
 * Closes a stream once what was written is sent and the peer has ended too; one that does not in 5 s is cut off. What it
 * still sends is thrown away: a socket that is closed with unread bytes resets the connection, and the peer may lose
 * replies that it has not read yet.
 */
export function closeGently(socket: Duplex, runtime: Runtime): void {
  if (socket.destroyed) return;
  const timer = runtime.timers.arm(LINGER_MS, new CutOff(socket));
  socket.once('close', () => timer.cancel());
  if (socket.readableEnded) {
    socket.end(() => socket.destroy());
    return;
  }
  socket.once('end', () =>
    socket.writableFinished ? socket.destroy() : socket.once('finish', () => socket.destroy()),
  );
  socket.end();
  socket.resume();
}

class CutOff implements Expirable {
  constructor(private readonly socket: Duplex) {}

  expired(): void {
    this.socket.destroy();
  }
}
