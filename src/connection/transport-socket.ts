import { connect as connectSocket, type NetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { inRootContext } from './root-context.js';

/** Where a byte stream leads: a TCP address, or a unix socket. */
export type SocketAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** The seam between connections and what carries their bytes: plain TCP here; TLS and SPIFFE fill it in their own way. */
export interface TransportSocket {
  /**
   * Begins to connect. The stream emits `connect` once it can be used (at the end of the handshake, if there is one),
   * or `error` and `close`. Whoever asked bounds the time it takes, and destroys it when that is over.
   */
  connect(address: SocketAddress): Duplex;
  /** What carries the messages of a socket that was accepted: the socket itself, or a stream over it. */
  accept(socket: Duplex): Duplex;
}

/**
 * How our TCP sockets are set. Nagle's algorithm is off, since writes are batched here already. Keep-alive finds the idle
 * connections whose other end vanished without a word, about 70 s after (60 s idle, then ten probes a second apart); of
 * busy or stopped peers it says nothing, for them there is read silence.
 */
export const TCP_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 } as const;

/**
 * Plain TCP or unix sockets.
 * @param open - `connect` of `node:net`, or one that takes its options: a process may have replaced Node's
 */
export function plainTransportBy(open: (options: NetConnectOpts) => Duplex): TransportSocket {
  return {
    connect(address) {
      return inRootContext(() => open('path' in address ? { path: address.path } : { ...address, ...TCP_OPTIONS }));
    },
    accept(socket) {
      return socket;
    },
  };
}

export const plainTransport: TransportSocket = plainTransportBy(connectSocket);

/** `host:port`, an IPv6 host in brackets; or the path. */
export function formatAddress(address: SocketAddress): string {
  if ('path' in address) return address.path;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
