import { cpuOf } from './measure.js';

/**
 * How fast is this machine, now? A loop of what the call path is made of (bytes read, a hash, a Map, small objects that
 * live for a while), which no change of Meltemi's changes. Budgets were set where it took {@link REFERENCE_NS}; on a
 * machine that takes longer they are larger in proportion, up to {@link MOST}; on a faster one they stay.
 */
const REFERENCE_NS = 155;
const MOST = 2.5;

/** By how much time budgets are multiplied. */
export async function slowness(): Promise<number> {
  const ns = (await cpuOf([{ name: 'reference', run: reference }])).get('reference')!;
  return Math.min(MOST, Math.max(1, ns / REFERENCE_NS));
}

/** @internal */
export function reference(count: number): void {
  for (let i = 0; i < count; i++) {
    let hash = 0x811c9dc5;
    for (let at = i & 63; at < 128; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
    const key = keys[hash & 255]!;
    ring[i & 1023] = { key, value: map.get(key), previous: undefined, at: i };
  }
}

const bytes = Uint8Array.from({ length: 128 }, (_, i) => (i * 31) & 0xff);
const keys = Array.from({ length: 256 }, (_, i) => `attribute-${i}`);
const map = new Map(keys.map((key, i) => [key, i]));
const ring: unknown[] = new Array(1024).fill(undefined);
