import { once } from 'node:events';
import { createServer, type Server, Socket, type SocketConstructorOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { bindSocket } from '../../../../../adapters/hosts/register/bound-socket.js';

/** A client's socket, and whoever is at the other end of it. */
export interface Pair {
  readonly socket: Socket;
  /** Connects; resolves to the other end. Events of the socket come later, as of any socket. */
  connect(): Promise<Duplex>;
  /** Resolves once `close` has come since the last connect. */
  closed(): Promise<void>;
}

/** Makes pairs: through the system, as it is without a mesh, or within the process. */
export interface Pairs {
  readonly name: string;
  make(options?: SocketConstructorOpts): Pair;
  close(): Promise<void>;
}

export async function plainPairs(): Promise<Pairs> {
  const accepted = new Map<number, Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (far) => {
    ends.push(far.on('error', () => {}));
    accepted.set(far.remotePort!, far);
    server.emit('accepted');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  const ends: (Duplex | Socket)[] = [];
  return {
    name: 'plain',
    make(options = {}) {
      const { socket, closed } = watched(options);
      ends.push(socket);
      const connect = async () => {
        socket.connect(port, '127.0.0.1');
        await once(socket, 'connect');
        const { localPort } = socket as { localPort: number };
        while (!accepted.has(localPort)) await once(server, 'accepted');
        return accepted.get(localPort)!;
      };
      return { socket, connect, closed };
    },
    async close() {
      for (const end of ends) end.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export function boundPairs(): Pairs {
  const ends: (Duplex | Socket)[] = [];
  return {
    name: 'bound',
    make(options = {}) {
      const { socket, closed } = watched(options);
      ends.push(socket);
      const connect = () => {
        const far = bindSocket(socket, {
          remote: { address: '127.0.0.1', family: 'IPv4', port: 4 },
          local: { address: '127.0.0.1', family: 'IPv4', port: 5 },
          connecting: true,
        });
        far.on('error', () => {});
        ends.push(far);
        setImmediate(() => far.connected());
        return new Promise<Duplex>((resolve) => setImmediate(resolve, far));
      };
      return { socket, connect, closed };
    },
    async close() {
      for (const end of ends) end.destroy();
    },
  };
}

function watched(options: SocketConstructorOpts): Pick<Pair, 'socket' | 'closed'> {
  const socket = new Socket(options);
  let isClosed = false;
  socket.on('connect', () => {
    isClosed = false;
  });
  socket.on('close', () => {
    isClosed = true;
  });
  const closed = () =>
    isClosed ? Promise.resolve() : new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return { socket, closed };
}
