import type { Attempt } from '../../call/index.js';
import type { Runtime } from '../../runtime/index.js';
import type { Balancer } from '../balancer.js';
import type { Candidates } from '../candidates.js';
import type { Endpoint } from '../endpoint.js';
import { EarliestDeadline } from './earliest-deadline.js';
import { sameWeights } from './round-robin.js';

/** Draws that may fall on unusable endpoints, beyond those that a choice needs, before all endpoints are searched. */
const SPARE_DRAWS = 16;

/**
 * Least request (Envoy's `LEAST_REQUEST`, Istio's default): of a few endpoints drawn at random, the one with the fewest
 * attempts in flight (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001). Two choices take
 * nearly all of the gain, and no two clients agree on one least loaded endpoint and overrun it. With weights that differ
 * it is {@link EarliestDeadline} scheduling by load, as in Envoy.
 *
 * - In flight are also attempts that wait for a connection, and cancelled ones whose reply is still to come: an
 *   endpoint that hangs looks as loaded as it is (freed at cancel, it drew 12 % of all first attempts; counted until
 *   answered, 0.1 %).
 * - Two draws in a row never fall on the same endpoint, other than in Envoy. With two endpoints, which are common, half
 *   of all its choices compare an endpoint with itself.
 * - Among equals the first drawn wins, connected or not: were the connected one preferred, a caller that makes one call
 *   after the other would use one endpoint of two for ever. One that cannot be connected to is picked anew at no cost.
 * - The first two choices come from one random number: its whole part, scaled, is even and so is what is left of it.
 *
 * Costs a random number and two checks.
 */
export class LeastRequest implements Balancer {
  readonly #endpoints: readonly Endpoint[];
  readonly #runtime: Runtime;
  readonly #choices: number;

  constructor(endpoints: readonly Endpoint[], runtime: Runtime, choices: number) {
    this.#endpoints = endpoints;
    this.#runtime = runtime;
    this.#choices = choices;
  }

  pick(_attempt: Attempt, candidates: Candidates): Endpoint | undefined {
    const endpoints = this.#endpoints;
    const size = endpoints.length;
    if (size < 2) return this.#search(0, candidates);
    const point = this.#runtime.random() * size;
    let index = Math.floor(point);
    let chance = point - index;
    let best: Endpoint | undefined;
    let wanted = this.#choices;
    for (let draws = wanted + SPARE_DRAWS; draws > 0; draws--) {
      const endpoint = endpoints[index]!;
      if (candidates.allows(endpoint)) {
        if (best === undefined || lessLoaded(endpoint, best)) best = endpoint;
        if (--wanted === 0) return best;
      }
      if (chance < 0) chance = this.#runtime.random();
      index += 1 + Math.floor(chance * (size - 1));
      if (index >= size) index -= size;
      chance = -1;
    }
    return best ?? this.#search(index, candidates);
  }

  /** The least loaded of all. Starts anywhere, so that ties are spread. */
  #search(start: number, candidates: Candidates): Endpoint | undefined {
    const endpoints = this.#endpoints;
    let best: Endpoint | undefined;
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[(start + i) % endpoints.length]!;
      if (candidates.allows(endpoint) && (best === undefined || lessLoaded(endpoint, best))) best = endpoint;
    }
    return best;
  }
}

function lessLoaded(a: Endpoint, than: Endpoint): boolean {
  return a.inflight < than.inflight;
}

export function leastRequest(endpoints: readonly Endpoint[], runtime: Runtime, choices: number): Balancer {
  return sameWeights(endpoints)
    ? new LeastRequest(endpoints, runtime, choices)
    : new EarliestDeadline(endpoints, runtime, true);
}
