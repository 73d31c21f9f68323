/** What is done to calls, a folder each, and the contract they share. Imports `call`, `rules` and below; no policy imports another. */
export type * from './engines.js';
export { attemptMutation, compileMutation, withMutation } from './mutation/index.js';
export { rateLimitStage, TokenBucket } from './rate-limit/index.js';
export { fullJitter, mayRetry, RetryBudget, retryStage } from './retry/index.js';
export * from './stage.js';
export { type ClosableState, type HeldState, KeyedStateStore, type StateStore } from './state-store.js';
export { attemptTimeoutStage, deadlineStage } from './timeout/index.js';
