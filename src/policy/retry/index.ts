/** Whether a failed attempt is followed by another, and when. Imports `call`, `rules`, `runtime` and the stage contract. */
export { fullJitter } from './backoff.js';
export { RetryBudget } from './retry-budget.js';
export { retryStage } from './retry-stage.js';
export { mayRetry } from './retryable.js';
