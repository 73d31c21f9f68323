import type { Attempt } from '../../call/index.js';
import type { Runtime } from '../../runtime/index.js';
import type { Balancer } from '../balancer.js';
import type { Candidates } from '../candidates.js';
import type { Endpoint } from '../endpoint.js';

/** Looks at the schedule's head before it searches: enough unless most of the weight is unusable. */
const HEADS = 16;

/**
 * Weighted turns by earliest deadline first, as Envoy schedules endpoints whose weights differ. Each endpoint has a
 * deadline on a virtual clock; the earliest is picked, and its next one is a period later. The period is `1 / weight` for
 * round robin, so that weights 3:1 give A A B A, not A A A B. For least request (`byLoad`) it is `(inflight + 1) / weight`
 * at the time of the pick, Envoy's `active_request_bias` of 1: a loaded endpoint's turn comes later.
 *
 * - First deadlines are random within the endpoint's first period. The schedule is thus in its steady state from the
 *   start, and a cluster whose endpoints change all the time degrades to a weighted random choice rather than always
 *   picking its heaviest endpoint first.
 * - An endpoint that may not be picked misses its turn: its deadline moves on as if it had been. Others keep their
 *   proportions. If the head is unusable again and again (a heavy endpoint is ejected), the earliest usable endpoint is
 *   searched for, so that a pick never depends on how far weights are apart.
 *
 * Costs O(log n), and O(n) where {@link HEADS} heads in a row are unusable. 12 bytes an endpoint.
 */
export class EarliestDeadline implements Balancer {
  readonly #endpoints: readonly Endpoint[];
  readonly #byLoad: boolean;
  /** A binary heap, the earliest first: deadlines, and beside each the index of its endpoint. */
  readonly #deadlines: Float64Array;
  readonly #indices: Int32Array;

  constructor(endpoints: readonly Endpoint[], runtime: Runtime, byLoad: boolean) {
    const size = endpoints.length;
    this.#endpoints = endpoints;
    this.#byLoad = byLoad;
    this.#deadlines = new Float64Array(size);
    this.#indices = new Int32Array(size);
    for (let i = 0; i < size; i++) {
      this.#deadlines[i] = runtime.random() / endpoints[i]!.weight;
      this.#indices[i] = i;
    }
    for (let at = (size >> 1) - 1; at >= 0; at--) this.#sink(at, this.#deadlines[at]!);
  }

  pick(_attempt: Attempt, candidates: Candidates): Endpoint | undefined {
    const size = this.#deadlines.length;
    if (size === 0) return undefined;
    for (let i = 0; i < HEADS; i++) {
      const endpoint = this.#take(0);
      if (candidates.allows(endpoint)) return endpoint;
    }
    let earliest = -1;
    let deadline = Number.POSITIVE_INFINITY;
    for (let at = 0; at < size; at++) {
      if (this.#deadlines[at]! < deadline && candidates.allows(this.#endpoints[this.#indices[at]!]!)) {
        earliest = at;
        deadline = this.#deadlines[at]!;
      }
    }
    return earliest < 0 ? undefined : this.#take(earliest);
  }

  /** The endpoint at that place of the heap; its next turn comes a period later. */
  #take(at: number): Endpoint {
    const endpoint = this.#endpoints[this.#indices[at]!]!;
    const load = this.#byLoad ? endpoint.inflight + 1 : 1;
    this.#sink(at, this.#deadlines[at]! + load / endpoint.weight);
    return endpoint;
  }

  /** Gives the entry at that place another deadline, no earlier than it had, and moves it down to where it belongs. */
  #sink(from: number, deadline: number): void {
    const deadlines = this.#deadlines;
    const indices = this.#indices;
    const size = deadlines.length;
    const index = indices[from]!;
    let at = from;
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && deadlines[child + 1]! < deadlines[child]!) child++;
      if (deadlines[child]! >= deadline) break;
      deadlines[at] = deadlines[child]!;
      indices[at] = indices[child]!;
      at = child;
    }
    deadlines[at] = deadline;
    indices[at] = index;
  }
}
