/** Copies of requests to other clusters. Imports `call`, `rules`, `runtime` and the stage contract. */
export { mirrorStage } from './mirror-stage.js';
