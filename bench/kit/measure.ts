/**
 * CPU time of what runs hot. A machine that others share stretches wall time, so blocks are measured by the CPU time of
 * this process (all threads of it: what a garbage collector does beside us counts), subjects alternate block by block, the
 * order turned round each time, and of many blocks the cheapest counts: noise only ever adds. Blocks are long enough to hold
 * several young collections, so that their share is in the figure. No collection is forced between them: that alone
 * makes what follows look several times dearer.
 */

/** Does the operation `count` times. */
export type Work = (count: number) => void | Promise<void>;

export interface Subject {
  readonly name: string;
  readonly run: Work;
  /** Operations a block. @defaultValue 10,000 */
  readonly count?: number;
}

export interface BlockOptions {
  /** @defaultValue 25 */
  readonly blocks?: number;
  /** Blocks of each subject that are not counted. @defaultValue 15 */
  readonly warmUp?: number;
}

/** Nanoseconds of CPU time an operation, by name. */
export async function cpuOf(
  subjects: readonly Subject[],
  { blocks = 25, warmUp = 15 }: BlockOptions = {},
): Promise<Map<string, number>> {
  const best = new Map<string, number>();
  for (let block = 0; block < warmUp + blocks; block++) {
    for (const { name, run, count = 10_000 } of block % 2 === 0 ? subjects : subjects.toReversed()) {
      const before = cpuNs();
      await run(count);
      const ns = (cpuNs() - before) / count;
      if (block >= warmUp) best.set(name, Math.min(best.get(name) ?? Number.POSITIVE_INFINITY, ns));
    }
  }
  return best;
}

/** CPU time of this process since its start. */
export function cpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/**
 * Bytes that an operation allocates on the heap: what it grows by between collections, while hot. Nothing is forced here
 * either: what runs after a forced collection allocates half as much again. Blocks in which the heap shrank were
 * collected in and are left out; of the others, short ones, the median has no collection in it.
 */
export function allocatedBy(run: (count: number) => void, count = 200, blocks = 400): number {
  const grown: number[] = [];
  for (let i = 0; i < blocks; i++) {
    const before = process.memoryUsage().heapUsed;
    run(count);
    const bytes = process.memoryUsage().heapUsed - before;
    if (bytes > 0) grown.push(bytes / count);
  }
  return median(grown);
}

/** Bytes that are still held after a collection, off the heap included. */
export function heldBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** @throws Error - Node was not started with `--expose-gc` */
export function collect(): void {
  if (globalThis.gc === undefined) throw new Error('start node with --expose-gc');
  globalThis.gc();
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** What a subject's result is given to, so that no optimizer finds it unused. */
export const kept: { value: unknown } = { value: undefined };
