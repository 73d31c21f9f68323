/** Lets calls wait for their turn at a steady rate. Imports `call`, `rules`, `runtime`, the engines' ports and the stage contract. */
export { pacingStage } from './pacing-stage.js';
