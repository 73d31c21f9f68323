import { performance } from 'node:perf_hooks';
import type { Runtime } from './runtime.js';
import { TimerWheel } from './timer-wheel.js';

let runtime: Runtime | undefined;

/** The real clock, chance, and the process's one timer wheel: the same object each time. */
export function systemRuntime(): Runtime {
  runtime ??= {
    now: () => performance.now(),
    wallNow: () => Date.now(),
    random: () => Math.random(),
    timers: new TimerWheel(),
  };
  return runtime;
}
