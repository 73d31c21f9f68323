import type { Attempt, AttemptTarget, Connection } from '../call/index.js';
import type { EndpointRule } from '../rules/index.js';

/**
 * What a cluster needs of the connection layer for one address. A peer is shared by every cluster that names its
 * address: 200 interfaces on 20 providers need 20 connections, not 4,000.
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
  /** Has it an open connection that takes calls? Breaks ties between equally loaded endpoints. */
  readonly ready: boolean;
  /** The peer said that it takes no new calls (read-only, GOAWAY). */
  readonly draining: boolean;
  /** The cluster needs it no longer; the last one to let go drains it. */
  release(): void;
}

/** Learns that an endpoint which has left its cluster has ended its last attempt. */
export interface EndpointOwner {
  drained(endpoint: Endpoint): void;
}

/**
 * An address of a cluster with what the balancer knows of it. In-flight counts live here and outlast rule changes. There
 * are tens of thousands of these, so it has few fields, and all its numbers are whole.
 */
export class Endpoint implements AttemptTarget {
  /** Attempts picked for it and not over: waiting for a connection, sent and unanswered, tombstones. */
  inflight = 0;
  /** In `runtime.now()`, whole; not picked before, unless the cluster is in panic. 0: not ejected. */
  ejectedUntil = 0;
  /** When it last came back from an ejection, in `runtime.now()`. 0: never. */
  restoredAt = 0;
  /** How often it was ejected of late: what the next ejection's length is multiplied by. Falls with time in service. */
  ejections = 0;
  consecutiveFailures = 0;
  /** Its level among those of the cluster, the lowest preferred: see `priorities.ts`. */
  priority = 0;
  /** Its counters, from its first attempt on. */
  meter: { close(): void } | undefined = undefined;
  /** Whom to tell when its last attempt has ended. Undefined: it is not leaving. */
  leaving: EndpointOwner | undefined = undefined;

  constructor(
    /** `host:port`, as the cluster keys it. */
    readonly address: string,
    public rule: EndpointRule,
    readonly peer: Peer,
  ) {}

  /** Gone from the rules: takes no new attempts, and is forgotten with its last one. */
  get draining(): boolean {
    return this.leaving !== undefined;
  }

  get weight(): number {
    return this.rule.weight;
  }

  /** An attempt is over. Exactly once for each pick: see `balance-gate.ts`. */
  release(): void {
    if (--this.inflight === 0) this.leaving?.drained(this);
  }
}
