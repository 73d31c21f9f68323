import { Socket } from 'node:net';
import { LINGER_MS } from '../../../src/connection/index.js';
import { bindSocket, type FarEnd, farEndOf } from './bound-socket.js';
import type { SocketName } from './socket-internals.js';

/** What Node's server has beside its documented properties, as of Node 20 to 26. */
export interface ServerOptions {
  readonly allowHalfOpen?: boolean;
  readonly highWaterMark?: number;
}

/** The accepted socket that one of an app's stands for. */
const ACCEPTED = Symbol('meltemi.accepted');

type ServerSocket = Socket & { server?: object; [ACCEPTED]?: Socket };

/**
 * The socket that an app has instead of one that its server accepted: bound to a stream within the process, with the accepted
 * one's addresses, and with its options where the system must know them.
 */
export function serverSocket(accepted: Socket, server: object): { readonly socket: Socket; readonly far: FarEnd } {
  const { allowHalfOpen = false, highWaterMark } = server as ServerOptions;
  const socket: ServerSocket = new Socket({ allowHalfOpen, ...(highWaterMark === undefined ? {} : { highWaterMark }) });
  const far = bindSocket(socket, { remote: remoteOf(accepted), local: accepted.address() as SocketName });
  far.ref(false); // the accepted one keeps the process alive, as long as the app wants it to
  socket.server = server;
  socket[ACCEPTED] = accepted;
  Object.defineProperties(socket, METHODS);
  socket.read(0); // as a server's sockets read from the start
  return { socket, far };
}

/** The client's connection closes with this one of its sockets. Those of single streams end alone. */
export function closesAccepted(socket: Socket): void {
  Object.defineProperty(socket, 'resetAndDestroy', RESET);
  socket.once('close', closeAccepted);
}

/**
 * When the app has closed its socket, nothing more than what it wrote is owed to the client: nobody waits for the client's end,
 * nor longer than twice the mesh's patience for one that takes nothing any more: by closing, an app gets rid of it.
 */
function closeAccepted(this: ServerSocket): void {
  const accepted = this[ACCEPTED]!;
  const close = () => accepted.destroy();
  if (accepted.writableFinished) close();
  else accepted.once('finish', close).setTimeout(LINGER_MS, close);
}

/** Is it one that {@link serverSocket} made? */
export function isServerSocket(socket: object): boolean {
  return (socket as ServerSocket)[ACCEPTED] !== undefined;
}

function remoteOf({ remoteAddress, remoteFamily, remotePort }: Socket): SocketName {
  return { address: remoteAddress, family: remoteFamily, port: remotePort } as SocketName;
}

function passedOn(name: 'ref' | 'unref' | 'setNoDelay' | 'setKeepAlive'): PropertyDescriptor {
  const prototype = Socket.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
  return {
    value(this: ServerSocket, ...args: unknown[]): ServerSocket {
      prototype[name]!.apply(this[ACCEPTED], args);
      return this;
    },
    writable: true,
    configurable: true,
  };
}

const METHODS: PropertyDescriptorMap = {
  ref: passedOn('ref'),
  unref: passedOn('unref'),
  setNoDelay: passedOn('setNoDelay'),
  setKeepAlive: passedOn('setKeepAlive'),
};

const RESET: PropertyDescriptor = {
  value(this: ServerSocket): ServerSocket {
    this[ACCEPTED]!.resetAndDestroy();
    farEndOf(this)!.resetting = true;
    return this.destroy();
  },
  writable: true,
  configurable: true,
};
