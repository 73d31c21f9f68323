import type { Duplex } from 'node:stream';
import type { Dispatcher, DownstreamPeer } from '../../call/index.js';
import type { Message, Protocol } from '../../message/index.js';
import type { Runtime } from '../../runtime/index.js';
import { ConnectionCounters, type ConnectionListener, nobodyListens } from '../events.js';
import { formatAddress } from '../transport-socket.js';
import { ByteBudget } from './byte-budget.js';
import { DownstreamConnection } from './downstream-connection.js';

/** How much of one downstream is taken at once. */
export interface DownstreamLimits {
  /** Requests under way; more are not read until one is answered. @defaultValue 1024 */
  readonly maxInFlight?: number;
  /** Bytes of requests under way, over which no more are read; one is always taken. @defaultValue 16 MiB, the longest message */
  readonly maxRequestBytes?: number;
  /**
   * Bytes of replies that the downstream has not taken, over which its requests are not read; at twice as many it is
   * closed, unless one reply alone is so long. @defaultValue 16 MiB, the longest message
   */
  readonly maxReplyBytes?: number;
  /** Longest request, in bytes. @defaultValue what the protocol says, else 16 MiB */
  readonly maxMessageBytes?: number;
}

/** What a downstream is joined with, where it has an upstream of its own. */
export interface Companion {
  /** Takes a heartbeat or an event of the client. @returns false: it is answered here */
  clientSaid(event: Message): boolean;
  /** The client takes no more replies for now, or does again. */
  blocked(blocked: boolean): void;
}

export interface ServeOptions extends DownstreamLimits {
  readonly runtime: Runtime;
  /** Who calls. @defaultValue the stream's remote address, verified by nobody */
  readonly peer?: DownstreamPeer;
  /** Shared by all downstreams of the process. @defaultValue one of its own */
  readonly budget?: ByteBudget;
  /** Shared by all downstreams of an edge. @defaultValue its own */
  readonly counters?: ConnectionCounters;
  readonly listener?: ConnectionListener;
  /** @defaultValue none: upstreams are shared */
  readonly companion?: Companion;
}

type Optional = 'maxMessageBytes' | 'companion';
export type ResolvedServeOptions = Required<Omit<ServeOptions, Optional>> & Pick<ServeOptions, Optional>;

/** A downstream that is being served. */
export interface Downstream {
  /** Requests under way. */
  readonly inFlight: number;
  readonly counters: ConnectionCounters;
  /**
   * Serves on until nothing is under way, then closes: replies are never cut by it. Closes whatever there is after
   * `timeoutMs`, cancelling calls. Resolves when closed.
   */
  drain(timeoutMs: number): Promise<void>;
  /** Cancels what is under way; what was written before is still sent. */
  close(reason: string): void;
  /** Sends what its companion said of its own accord, as it is. */
  pass(event: Message): void;
  /** Resolves when the stream is closed. */
  readonly closed: Promise<void>;
}

/**
 * Serves a byte stream: reads requests, hands them to the mesh, writes replies. Takes the stream over, which must be in
 * order to carry messages (after a TLS handshake, say) and should be half-open: a client that ends its side still gets the
 * replies that it waits for.
 */
export function serve(socket: Duplex, protocol: Protocol, dispatcher: Dispatcher, options: ServeOptions): Downstream {
  return new DownstreamConnection(socket, protocol, dispatcher, {
    runtime: options.runtime,
    peer: options.peer ?? { address: remoteAddress(socket), identity: undefined, verifiedBy: 'none' },
    maxInFlight: options.maxInFlight ?? 1024,
    maxRequestBytes: options.maxRequestBytes ?? 16 * 1024 * 1024,
    maxReplyBytes: options.maxReplyBytes ?? 16 * 1024 * 1024,
    budget: options.budget ?? new ByteBudget(),
    counters: options.counters ?? new ConnectionCounters(),
    listener: options.listener ?? nobodyListens,
    ...(options.maxMessageBytes === undefined ? {} : { maxMessageBytes: options.maxMessageBytes }),
    ...(options.companion === undefined ? {} : { companion: options.companion }),
  });
}

/** `host:port` of the other end; `unix` if it has none. */
export function remoteAddress(socket: Duplex): string {
  const { remoteAddress: host, remotePort: port = 0 } = socket as { remoteAddress?: string; remotePort?: number };
  return host === undefined ? 'unix' : formatAddress({ host, port });
}
