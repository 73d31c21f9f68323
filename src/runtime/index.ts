/** Clock, timers and chance: the only users of Date, setTimeout and Math.random. Imports nothing. */
export { CounterSlab, type Slots } from './counter-slab.js';
export { HISTOGRAM_SLOTS, Histogram, type HistogramSnapshot, recordDuration } from './histogram.js';
export { isoTime } from './iso-time.js';
export { RingWindow } from './ring-window.js';
export { type Expirable, type Runtime, STALL_FROM_MS, type Timer, type Timers } from './runtime.js';
export { systemRuntime } from './system-runtime.js';
export { finish, type Work, WorkQueue } from './work-queue.js';
