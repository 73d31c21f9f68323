/** Stops calling a cluster that fails. Imports `call`, `rules`, the engines' ports and the stage contract. */
export { breakerResult } from './breaker-result.js';
export { circuitBreakerStage, circuitOf } from './circuit-breaker-stage.js';
