import type { Attempt, Outcome } from '../call/index.js';
import type { Candidates } from './candidates.js';
import type { Endpoint } from './endpoint.js';

/**
 * Chooses among the endpoints of a cluster. One file each in `balancers/`. Built anew, aside, when endpoints or weights
 * change; must not keep endpoints beyond that. What comes and goes faster (ejections, draining peers, endpoints already
 * tried) is asked of `candidates` at each pick.
 */
export interface Balancer {
  /** An endpoint for the attempt; undefined if there is none that `candidates` allows. Allocates nothing. */
  pick(attempt: Attempt, candidates: Candidates): Endpoint | undefined;
  /** For balancers that learn. */
  observe?(endpoint: Endpoint, attempt: Attempt, outcome: Outcome): void;
}
