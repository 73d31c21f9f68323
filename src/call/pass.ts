import type { Expirable, Timer } from '../runtime/index.js';
import type { Attempt } from './attempt.js';
import type { Call } from './call.js';
import type { Failure } from './failure.js';
import type { Outcome } from './outcome.js';

/**
 * One way of a call through a route plan. Mostly a call has one; an interceptor that subscribes to `next(call)` again,
 * or a fallback to another cluster, makes another. It holds what the stages of the plan need to remember until the pass
 * is settled, exactly once.
 */
export abstract class Pass implements Expirable {
  /** The newest attempt; earlier ones hang behind it by `previous`. */
  attempt: Attempt | undefined = undefined;
  /** Of the route's hash keys; undefined if the cluster does not ask for one. */
  hash: bigint | undefined = undefined;
  /** Which stages let the pass through and are to be settled with it, a bit each. The runner's own. */
  passed = 0;
  /** The deadline's. The pass is its owner, which costs no object more; the runner hands its expiry to the stage. */
  timer: Timer | undefined = undefined;
  outcome: Outcome | undefined = undefined;
  /** The stage that refused, if one did. */
  refusedBy: string | undefined = undefined;
  /** In `mode: observe`: what stages would have refused, and why. */
  observed: string[] | undefined = undefined;

  constructor(readonly call: Call) {}

  /** The runner's own. */
  expired(_timer: Timer): void {}

  /** How many were made. */
  get attempts(): number {
    return this.attempt === undefined ? 0 : this.attempt.number;
  }

  /** Names for explain, logs and metrics. */
  abstract readonly route: string;
  abstract readonly cluster: string;

  /** A stage that answered `WAIT` lets the pass go on, or refuses it. No effect once the pass is settled. */
  abstract resume(refusal?: Failure): void;
  /** Ends the pass from outside: deadline, cancellation. No effect once settled. */
  abstract end(outcome: Outcome): void;
  abstract readonly settled: boolean;
}
