/** Another answer for a call that failed. Imports `call`, `rules` and the stage contract. */
export { DEFAULT_FALLBACK_CODES, fallbackStage } from './fallback-stage.js';
