import type { Duplex } from 'node:stream';
import {
  formatAddress,
  type InProcessSocket,
  inProcessDuplex,
  type SocketAddress,
  type TransportSocket,
} from '../connection/index.js';

/**
 * A network inside the process, for tests and figures that shall not depend on the machine's: servers listen on made-up
 * addresses, and {@link connect} leads there through in-process streams. Fill `transport` with it.
 */
export class MemoryNetwork implements TransportSocket {
  /** Addresses of all connects, in order, those refused included. */
  readonly dialled: string[] = [];
  readonly #servers = new Map<string, (socket: InProcessSocket) => void>();

  /** Serves an address until the returned function is called. Connections that are open then stay open. */
  listen(address: SocketAddress, serve: (socket: InProcessSocket) => void): () => void {
    const key = formatAddress(address);
    this.#servers.set(key, serve);
    return () => void this.#servers.delete(key);
  }

  connect(address: SocketAddress): Duplex {
    const key = formatAddress(address);
    this.dialled.push(key);
    const [client, server] = inProcessDuplex('path' in address ? {} : address);
    process.nextTick(() => {
      if (client.destroyed) return;
      const serve = this.#servers.get(key);
      if (serve === undefined) {
        client.destroy(Object.assign(new Error(`connect ECONNREFUSED ${key}`), { code: 'ECONNREFUSED' }));
        server.on('error', () => {});
        return;
      }
      serve(server);
      client.emit('connect');
    });
    return client;
  }

  accept(socket: Duplex): Duplex {
    return socket;
  }
}
