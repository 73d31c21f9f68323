import { Failure, type Outcome, WRITTEN } from '../../call/index.js';

/**
 * What an attempt's outcome tells the circuit breaker of a cluster. An exception of the business is an answer, so the
 * upstream is well. These say nothing about it, and do not count either way:
 *
 * - refusals and cancellations on our side, and losses to a neighbour's bad bytes: the table of failures knows;
 * - a deadline that came while nothing was sent yet, such as in a queue of ours;
 * - anything after our own event loop hung;
 * - a rejection: the upstream protects itself, and asking it less is what retry budgets are for;
 * - a one-way call, of which only the writing is known.
 */
export function breakerResult(outcome: Outcome): 'ok' | 'failed' | 'ignored' {
  if (outcome instanceof Failure) {
    if (!outcome.traits.breaks || outcome.stallMs > 0) return 'ignored';
    return outcome.code === 'DEADLINE' && outcome.sent === 'no' ? 'ignored' : 'failed';
  }
  if (outcome === WRITTEN) return 'ignored';
  switch (outcome.status) {
    case 'framework':
      return 'failed';
    case 'rejected':
      return 'ignored';
    default:
      return 'ok';
  }
}
