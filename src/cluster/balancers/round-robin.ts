import type { Attempt } from '../../call/index.js';
import type { Runtime } from '../../runtime/index.js';
import type { Balancer } from '../balancer.js';
import type { Candidates } from '../candidates.js';
import type { Endpoint } from '../endpoint.js';
import { EarliestDeadline } from './earliest-deadline.js';

/**
 * Round robin (Envoy's `ROUND_ROBIN`): one endpoint after the other, in the order of the rules. With weights that differ
 * it is {@link EarliestDeadline} scheduling.
 *
 * - It starts at a random endpoint, also after each change of endpoints. If it started at the first, a fleet that
 *   is restarted or gets a push would send its next call to one and the same endpoint.
 * - The cursor moves past the endpoint picked, over those that may not be, so that an ejected endpoint's turns are shared
 *   by all others and not inherited by its successor.
 * - Endpoints without a connection take their turn like all others; preferring connected ones would skew the shares.
 *
 * Costs a step and a check; with a share u of usable endpoints 1/u steps.
 */
export class RoundRobin implements Balancer {
  readonly #endpoints: readonly Endpoint[];
  #next: number;

  constructor(endpoints: readonly Endpoint[], runtime: Runtime) {
    this.#endpoints = endpoints;
    this.#next = Math.floor(runtime.random() * endpoints.length);
  }

  pick(_attempt: Attempt, candidates: Candidates): Endpoint | undefined {
    const endpoints = this.#endpoints;
    for (let i = endpoints.length; i > 0; i--) {
      const endpoint = endpoints[this.#next]!;
      this.#next = this.#next + 1 < endpoints.length ? this.#next + 1 : 0;
      if (candidates.allows(endpoint)) return endpoint;
    }
    return undefined;
  }
}

export function roundRobin(endpoints: readonly Endpoint[], runtime: Runtime): Balancer {
  return sameWeights(endpoints) ? new RoundRobin(endpoints, runtime) : new EarliestDeadline(endpoints, runtime, false);
}

export function sameWeights(endpoints: readonly Endpoint[]): boolean {
  const weight = endpoints[0]?.weight;
  return endpoints.every((endpoint) => endpoint.weight === weight);
}
