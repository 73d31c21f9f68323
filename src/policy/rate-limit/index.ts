/** Local rate limits: token buckets and the conditions that choose one. Imports `call`, `rules`, `runtime` and the stage contract. */
export { rateLimitStage } from './rate-limit-stage.js';
export { TokenBucket } from './token-bucket.js';
