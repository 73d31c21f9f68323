import { type Attempt, Failure, type Outcome } from '../../call/index.js';

/**
 * May the attempt be made again, as far as the operation is concerned? What surely did not run may: nothing was sent, or
 * the upstream said that it rejected the request. What may have run only if the operation is idempotent. An answer of the
 * business is an answer. A one-way call gives no sign of having run, so it is repeated only if it was never sent.
 */
export function mayRetry(attempt: Attempt, outcome: Outcome, idempotent: (operation: string) => boolean): boolean {
  if (outcome instanceof Failure) {
    const { retry } = outcome.traits;
    if (retry === 'never') return false;
    if (outcome.sent === 'no') return true;
    return retry === 'idempotent' && !attempt.pass.call.oneway && idempotent(attempt.request.operation);
  }
  if (attempt.pass.call.oneway) return false;
  switch (outcome.status) {
    case 'rejected':
      return true;
    case 'framework':
      return idempotent(attempt.request.operation);
    default:
      return false;
  }
}
