/** Clock, timers and chance: the only users of Date, setTimeout and Math.random. Imports nothing. */
export type { Expirable, Runtime, Timer, Timers } from './runtime.js';
