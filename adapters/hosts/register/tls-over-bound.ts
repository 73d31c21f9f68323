import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { FAR } from './far-end.js';
import { patch } from './patch.js';

let done = false;

/**
 * Lets TLS begin on a bound socket that is connected already, as clients do which ask the server first (STARTTLS): Node's
 * TLSSocket takes a socket without a handle for one that is not connected yet, and would wait for ever. Done with the first
 * socket that is bound, since loading `tls` takes some ms.
 */
export function letTlsBegin(): void {
  if (done) return;
  done = true;
  const { TLSSocket } = createRequire(import.meta.url)('node:tls') as typeof import('node:tls');
  const prototype = TLSSocket.prototype as unknown as { _init?: unknown };
  if (typeof prototype._init !== 'function') return;
  patch(prototype as { _init: unknown }, '_init', (init) => {
    return function (
      this: { connecting: boolean },
      socket: (Socket & { [FAR]?: unknown }) | null,
      wrap: unknown,
    ): void {
      init.call(this, socket, wrap);
      if (socket?.[FAR] !== undefined && !socket.connecting) this.connecting = false;
    };
  });
}
