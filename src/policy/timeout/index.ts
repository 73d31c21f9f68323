/** Ends calls by their deadline and attempts by their own timeout. Imports `call`, `rules`, `runtime` and the stage contract. */
export { attemptTimeoutStage } from './attempt-timeout-stage.js';
export { deadlineStage } from './deadline-stage.js';
