import type { Attempt, Outcome } from '../call/index.js';
import type { Endpoint } from './endpoint.js';

/**
 * Chooses among the usable endpoints of a cluster. One file each in `balancers/`. Built anew, aside, when endpoints or
 * weights change; must not keep endpoints beyond that.
 */
export interface Balancer {
  /**
   * An endpoint for the attempt; undefined if there is none that `usable` accepts.
   * @param usable - neither ejected nor draining, and not tried by this call yet
   */
  pick(attempt: Attempt, usable: (endpoint: Endpoint) => boolean): Endpoint | undefined;
  /** For balancers that learn. */
  observe?(endpoint: Endpoint, attempt: Attempt, outcome: Outcome): void;
}
