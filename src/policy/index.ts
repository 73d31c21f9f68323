/** What is done to calls, a folder each, and the contract they share. Imports `call`, `rules` and below; no policy imports another. */
export { breakerResult, circuitBreakerStage, circuitOf } from './circuit-breaker/index.js';
export { ConcurrencySlots, concurrencyStage, type SlotLimits, type Waiter } from './concurrency/index.js';
export type * from './engines.js';
export { DEFAULT_FALLBACK_CODES, fallbackStage } from './fallback/index.js';
export { mirrorStage } from './mirror/index.js';
export { attemptMutation, withMutation } from './mutation/index.js';
export { pacingStage } from './pacing/index.js';
export { rateLimitStage, TokenBucket } from './rate-limit/index.js';
export { fullJitter, mayRetry, RetryBudget, retryStage } from './retry/index.js';
export { Share, type WorkersOptions } from './share.js';
export * from './stage.js';
export { type ClosableState, type HeldState, KeyedStateStore, type StateStore } from './state-store.js';
export { attemptTimeoutStage, deadlineStage } from './timeout/index.js';
