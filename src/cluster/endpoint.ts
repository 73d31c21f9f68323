import type { Attempt, AttemptTarget, Connection } from '../call/index.js';
import type { EndpointRule } from '../rules/index.js';

/**
 * What a cluster needs of the connection layer for one address. A peer is shared by every cluster that names its
 * address: 200 Dubbo interfaces on 20 providers need 20 connections, not 4,000.
 */
export interface Peer {
  /**
   * A connection for the attempt: at once, or undefined, after which `attempt.connected` or `attempt.refused` is called
   * once, unless the attempt was withdrawn.
   * @throws nothing: a refusal comes through `attempt.refused`, also when it is known at once.
   */
  checkout(attempt: Attempt): Connection | undefined;
  /** The attempt no longer wants what it waits for, or gives back the connection it got and was never sent on. */
  withdraw(attempt: Attempt): void;
  /** Has it an open connection that takes calls? Balancers prefer such endpoints while others connect. */
  readonly ready: boolean;
  /** The peer said that it takes no new calls (read-only, GOAWAY). */
  readonly draining: boolean;
  /** The cluster needs it no longer; the last one to let go drains it. */
  release(): void;
}

/** An address of a cluster with what the balancer knows of it. In-flight counts live here and outlast rule changes. */
export class Endpoint implements AttemptTarget {
  /** Attempts sent and not yet answered, tombstones included. */
  inflight = 0;
  /** In `runtime.now()`; not picked before. 0: not ejected. */
  ejectedUntil = 0;
  /** Gone from the rules, or its peer drains: takes no new attempts. */
  draining = false;
  /** Set by the outlier detector. */
  consecutiveFailures = 0;
  ejections = 0;

  readonly address: string;

  constructor(
    public rule: EndpointRule,
    readonly peer: Peer,
  ) {
    this.address = `${rule.address}:${rule.port}`;
  }

  get weight(): number {
    return this.rule.weight;
  }

  release(): void {
    this.inflight--;
  }
}
