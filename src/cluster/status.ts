import type { Endpoint } from './endpoint.js';

/** What happened to an endpoint, for logs and telemetry. */
export type ClusterEvent =
  | {
      readonly type: 'ejected';
      readonly cluster: string;
      readonly address: string;
      /** Failures in a row that led to it. */
      readonly failures: number;
      readonly forMs: number;
    }
  | { readonly type: 'restored'; readonly cluster: string; readonly address: string };

/** An endpoint as explain and status show it. */
export interface EndpointStatus {
  readonly address: string;
  readonly weight: number;
  /** Its level, the lowest preferred: by the rules, and by how near it is. */
  readonly priority: number;
  /** Waiting for a connection, sent and unanswered, tombstones. */
  readonly inflight: number;
  /** How long it stays ejected; 0: it is not. */
  readonly ejectedMs: number;
  readonly consecutiveFailures: number;
  /** Gone from the rules, or its peer takes no new calls. */
  readonly draining: boolean;
  readonly connected: boolean;
  /** Wants mTLS, which can't be presented yet: never dialled. */
  readonly wantsMtls: boolean;
  /** Takes new attempts. */
  readonly healthy: boolean;
}

export function endpointStatus(endpoint: Endpoint, wantsMtls: boolean, now: number): EndpointStatus {
  const draining = endpoint.draining || endpoint.peer.draining;
  return {
    address: endpoint.address,
    weight: endpoint.weight,
    priority: endpoint.priority,
    inflight: endpoint.inflight,
    ejectedMs: endpoint.ejectedUntil === 0 ? 0 : Math.max(0, endpoint.ejectedUntil - now),
    consecutiveFailures: endpoint.consecutiveFailures,
    draining,
    connected: endpoint.peer.ready,
    wantsMtls,
    healthy: !draining && !wantsMtls && endpoint.ejectedUntil === 0,
  };
}
