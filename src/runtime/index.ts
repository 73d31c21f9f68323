/** Clock, timers and chance: the only users of Date, setTimeout and Math.random. Imports nothing. */
export { type Expirable, type Runtime, STALL_FROM_MS, type Timer, type Timers } from './runtime.js';
export { systemRuntime } from './system-runtime.js';
