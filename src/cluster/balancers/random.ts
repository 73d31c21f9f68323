import type { Attempt } from '../../call/index.js';
import type { Runtime } from '../../runtime/index.js';
import type { Balancer } from '../balancer.js';
import type { Candidates } from '../candidates.js';
import type { Endpoint } from '../endpoint.js';
import { sameWeights } from './round-robin.js';

/** Draws that may fall on unusable endpoints before the rest are searched. */
const DRAWS = 16;

/**
 * Random (Envoy's `RANDOM`): each endpoint with the chance of its weight. Envoy's ignores weights; a rule that writes them
 * means them. Without state, so clients cannot fall into step, at the price of a wider spread than round robin's.
 *
 * An unusable endpoint is drawn again, which keeps the proportions of all others exactly. Only where {@link DRAWS} draws
 * in a row fall on such (at a share of unusable weight of 30 %: once in 200 million picks) the next usable one in order is
 * taken.
 *
 * Costs a random draw, with weights that differ also a binary search; 8 bytes an endpoint then.
 */
export class Random implements Balancer {
  readonly #endpoints: readonly Endpoint[];
  readonly #runtime: Runtime;
  /** Sum of the weights up to and with each endpoint; undefined if all are the same. */
  readonly #sums: Float64Array | undefined;

  constructor(endpoints: readonly Endpoint[], runtime: Runtime) {
    this.#endpoints = endpoints;
    this.#runtime = runtime;
    this.#sums = sameWeights(endpoints) ? undefined : runningSums(endpoints);
  }

  pick(_attempt: Attempt, candidates: Candidates): Endpoint | undefined {
    const endpoints = this.#endpoints;
    const size = endpoints.length;
    if (size === 0) return undefined;
    let index = 0;
    for (let i = 0; i < DRAWS; i++) {
      index = this.#draw();
      if (candidates.allows(endpoints[index]!)) return endpoints[index]!;
    }
    for (let i = 1; i < size; i++) {
      const endpoint = endpoints[(index + i) % size]!;
      if (candidates.allows(endpoint)) return endpoint;
    }
    return undefined;
  }

  #draw(): number {
    const sums = this.#sums;
    const draw = this.#runtime.random();
    if (sums === undefined) return Math.floor(draw * this.#endpoints.length);
    const point = draw * sums[sums.length - 1]!;
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > point) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function runningSums(endpoints: readonly Endpoint[]): Float64Array {
  const sums = new Float64Array(endpoints.length);
  let sum = 0;
  for (let i = 0; i < endpoints.length; i++) {
    sum += endpoints[i]!.weight;
    sums[i] = sum;
  }
  return sums;
}
