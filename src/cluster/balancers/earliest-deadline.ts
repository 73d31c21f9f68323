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
  /** Of the endpoint with that index. */
  readonly #deadlines: Float64Array;
  /** Indices of endpoints: a binary heap with the earliest deadline first. */
  readonly #heap: Int32Array;

  constructor(endpoints: readonly Endpoint[], runtime: Runtime, byLoad: boolean) {
    const size = endpoints.length;
    this.#endpoints = endpoints;
    this.#byLoad = byLoad;
    this.#deadlines = new Float64Array(size);
    this.#heap = new Int32Array(size);
    for (let i = 0; i < size; i++) {
      this.#deadlines[i] = runtime.random() / endpoints[i]!.weight;
      this.#heap[i] = i;
    }
    for (let at = (size >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  pick(_attempt: Attempt, candidates: Candidates): Endpoint | undefined {
    if (this.#heap.length === 0) return undefined;
    for (let i = 0; i < HEADS; i++) {
      const endpoint = this.#take(0);
      if (candidates.allows(endpoint)) return endpoint;
    }
    let earliest = -1;
    let deadline = Number.POSITIVE_INFINITY;
    for (let at = 0; at < this.#heap.length; at++) {
      const index = this.#heap[at]!;
      if (this.#deadlines[index]! < deadline && candidates.allows(this.#endpoints[index]!)) {
        earliest = at;
        deadline = this.#deadlines[index]!;
      }
    }
    return earliest < 0 ? undefined : this.#take(earliest);
  }

  /** The endpoint at that place of the heap, whose next turn comes a period later. */
  #take(at: number): Endpoint {
    const index = this.#heap[at]!;
    const endpoint = this.#endpoints[index]!;
    const load = this.#byLoad ? endpoint.inflight + 1 : 1;
    this.#deadlines[index] = this.#deadlines[index]! + load / endpoint.weight;
    this.#sink(at);
    return endpoint;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const deadlines = this.#deadlines;
    const index = heap[from]!;
    const deadline = deadlines[index]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && deadlines[heap[child + 1]!]! < deadlines[heap[child]!]!) child++;
      if (deadlines[heap[child]!]! >= deadline) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = index;
  }
}
