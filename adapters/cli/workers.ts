import { UsageError } from './io.js';

/** More processes than any machine has use for. */
const MAX_WORKERS = 256;

/** @throws UsageError - it is no number of processes */
export function workersOf(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= MAX_WORKERS) return count;
  throw new UsageError(`--workers wants a number from 1 to ${MAX_WORKERS}; got ${text}`);
}
