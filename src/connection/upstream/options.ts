import type { Sharing } from '../../message/index.js';

/** How a peer's connections are opened, filled, watched and closed. */
export interface PoolOptions {
  /**
   * Connections to one address. A limit of the process, not of a cluster: clusters limit the calls that they send.
   * @defaultValue 4; 1024 where a connection takes one call at a time (Envoy's `max_connections`)
   */
  readonly maxConnections?: number;
  /**
   * Calls on one connection before another is opened. Counts those that were given up and are not answered yet.
   * @defaultValue 1024 multiplexed (Envoy's `max_requests`), 128 pipelined (each waits for those before it); always 1 if exclusive
   */
  readonly maxInFlight?: number;
  /** Attempts that wait for a connection; more are refused as `OVERFLOW`. @defaultValue 1024 (Envoy's `max_pending_requests`) */
  readonly maxPending?: number;
  /** @defaultValue 10000, as Istio's; the smallest that a cluster which names the peer asks for */
  readonly connectTimeoutMs?: number;
  /** Wait after the first failed connect; doubles, and is drawn between half and all of it. @defaultValue 100 */
  readonly backoffBaseMs?: number;
  /** Short, since calls are refused meanwhile although the peer may be back. @defaultValue 5000 */
  readonly backoffMaxMs?: number;
  /** With calls outstanding and nothing read for so long, the peer is probed; after as long again, given up. @defaultValue 5000 */
  readonly readSilenceMs?: number;
  /** Between heartbeats on an idle connection; after three unanswered ones it is closed. @defaultValue 60000 */
  readonly heartbeatMs?: number;
  /** A connection without calls for so long is closed. @defaultValue 600000, as Envoy's for TCP pools */
  readonly idleMs?: number;
  /** A connection that owes a reply to a call given up so long ago takes no new ones. @defaultValue 30000 */
  readonly maxTombstoneMs?: number;
  /** How long calls may go on at a peer that nobody names any more. @defaultValue 600000, as Envoy's drain time */
  readonly drainTimeoutMs?: number;
  /** Longest reply, in bytes. @defaultValue what the protocol says, else 16 MiB */
  readonly maxMessageBytes?: number | undefined;
}

export type ResolvedPoolOptions = Required<PoolOptions>;

export function resolvePoolOptions(options: PoolOptions, sharing: Sharing): ResolvedPoolOptions {
  const exclusive = sharing === 'exclusive';
  return {
    maxConnections: Math.max(1, options.maxConnections ?? (exclusive ? 1024 : 4)),
    maxInFlight: exclusive ? 1 : Math.max(1, options.maxInFlight ?? (sharing === 'pipelined' ? 128 : 1024)),
    maxPending: options.maxPending ?? 1024,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    backoffBaseMs: options.backoffBaseMs ?? 100,
    backoffMaxMs: options.backoffMaxMs ?? 5000,
    readSilenceMs: options.readSilenceMs ?? 5000,
    heartbeatMs: options.heartbeatMs ?? 60_000,
    idleMs: options.idleMs ?? 600_000,
    maxTombstoneMs: options.maxTombstoneMs ?? 30_000,
    drainTimeoutMs: options.drainTimeoutMs ?? 600_000,
    maxMessageBytes: options.maxMessageBytes,
  };
}
