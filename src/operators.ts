/**
 * Every policy as an RxJS operator, for pipelines that users write themselves, on the same state as the mesh's own
 * stages. Outermost first, a good order is: timeout, fallback, rateLimit, pace, mirror, retry, circuitBreaker,
 * concurrency, attemptTimeout; with `pipe`, which reads from the inside, it is written the other way round:
 *
 * ```ts
 * const quote$ = defer(() => fetchQuote()).pipe(
 *   attemptTimeout(200),
 *   concurrency({ maxActive: 50, maxWaiting: 100 }),
 *   circuitBreaker(breaker),
 *   retry({ attempts: 2, idempotent: true, budget }),
 *   rateLimit({ maxTokens: 100, tokensPerFill: 10, fillIntervalMs: 100 }),
 *   fallback(() => of(lastQuote)),
 *   timeout(500),
 * );
 * ```
 *
 * Operators are cold: each subscription passes through all of them anew. What they share (a bucket, a breaker, slots)
 * belongs to the operator, or is passed in. What waits goes on in the async context that it was subscribed in.
 */
export { type CircuitBreakerOptions, circuitBreaker } from './policy/circuit-breaker/operator.js';
export { type ConcurrencyOptions, concurrency } from './policy/concurrency/operator.js';
export { type FallbackOptions, fallback } from './policy/fallback/operator.js';
export {
  ConcurrencySlots,
  DEFAULT_FALLBACK_CODES,
  RetryBudget,
  type SlotLimits,
  TokenBucket,
  type Waiter,
} from './policy/index.js';
export { type MirrorOptions, mirror } from './policy/mirror/operator.js';
export type { RuntimeOption } from './policy/operator-support.js';
export { pace } from './policy/pacing/operator.js';
export { rateLimit } from './policy/rate-limit/operator.js';
export { type RetryOptions, retry } from './policy/retry/operator.js';
export { attemptTimeout, timeout } from './policy/timeout/operators.js';
