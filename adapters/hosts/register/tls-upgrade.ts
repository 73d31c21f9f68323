/**
 * TLS that a client begins within a connection, as those of PostgreSQL and MySQL do: `tls.connect({ socket })`. Node takes a
 * `net.Socket` without a handle for one that is connecting, and would wait for a `connect` that has been.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { isBound } from './bound-socket.js';
import { type Patch, patch } from './patch.js';
import type { SocketInternals } from './socket-internals.js';

/** Replaces what sets a TLS socket up before it begins; nothing, where Node has no such method. */
export function installTlsUpgrade(): Patch {
  const prototype = TLSSocket.prototype as unknown as { _init?: unknown };
  if (typeof prototype._init !== 'function') return { undo() {} };
  return patch(prototype as { _init: unknown }, '_init', (init) => {
    return function (this: SocketInternals, socket: Socket | undefined, ...rest: unknown[]): unknown {
      const made = init.call(this, socket, ...rest);
      if (socket !== undefined && socket !== null && isBound(socket)) this.connecting = socket.connecting;
      return made;
    };
  });
}
