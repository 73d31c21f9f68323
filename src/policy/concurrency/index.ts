/** How many requests a cluster may have under way, and how many may wait. Imports `call`, `rules` and the stage contract. */
export { ConcurrencySlots, type SlotLimits, type Waiter } from './concurrency-slots.js';
export { concurrencyStage } from './concurrency-stage.js';
