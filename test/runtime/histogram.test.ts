import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CounterSlab, HISTOGRAM_SLOTS, Histogram } from '../../src/runtime/index.js';

const duration = fc.oneof(
  fc.double({ min: 0, max: 0.02, noNaN: true }),
  fc.double({ min: 0, max: 50, noNaN: true }),
  fc.double({ min: 0, max: 1_000_000, noNaN: true }),
  fc.constantFrom(0.001, 0.003999, 0.004, 0.008, 1.024, 1.0239, 1_073_741.823),
);

function filled(durations: readonly number[], slab = new CounterSlab()): Histogram {
  const histogram = Histogram.in(slab);
  for (const ms of durations) histogram.record(ms);
  return histogram;
}

describe('histogram', () => {
  test('quantiles are those of the sorted values, off by 12.5 % or half a microsecond at most', () => {
    fc.assert(
      fc.property(
        fc.array(duration, { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (durations, share) => {
          const sorted = [...durations].sort((a, b) => a - b);
          const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1]!;
          const histogram = filled(durations);
          expect(histogram.count).toBe(durations.length);
          expect(Math.abs(histogram.quantile(share) - exact)).toBeLessThanOrEqual(Math.max(exact * 0.1251, 0.000501));
          expect(histogram.sumMs).toBeCloseTo(
            durations.reduce((sum, ms) => sum + ms, 0),
            3,
          );
        },
      ),
    );
  });

  test('a snapshot tells how many lie between its bounds', () => {
    fc.assert(
      fc.property(fc.array(duration, { maxLength: 100 }), (durations) => {
        const { count, buckets } = filled(durations).snapshot();
        expect(count).toBe(durations.length);
        let above = 0;
        for (const bucket of buckets) {
          const naive = durations.filter((ms) => ms * 1000 >= above && ms * 1000 < bucket.belowMs * 1000).length;
          // Values on a bound may go either way by the last bit of a double.
          expect(Math.abs(naive - bucket.count)).toBeLessThanOrEqual(
            durations.filter(
              (ms) =>
                Math.abs(ms - bucket.belowMs) < 1e-9 * bucket.belowMs || Math.abs(ms * 1000 - above) < 1e-9 * above,
            ).length,
          );
          above = bucket.belowMs * 1000;
        }
      }),
    );
  });

  test('merging is recording into one', () => {
    fc.assert(
      fc.property(fc.array(duration), fc.array(duration), (a, b) => {
        const merged = filled(a);
        merged.merge(filled(b));
        const { buckets, count } = merged.snapshot();
        const both = filled([...a, ...b]).snapshot();
        expect({ buckets, count }).toEqual({ buckets: both.buckets, count: both.count });
      }),
    );
  });

  test('what is no duration counts as 0, what is endless in the last bucket; neighbours in the slab stay untouched', () => {
    const slab = new CounterSlab();
    const before = slab.take(1);
    const histogram = filled([Number.NaN, -5, 1e12, Number.POSITIVE_INFINITY], slab);
    const after = slab.take(1);
    expect(histogram.snapshot().buckets).toEqual([
      { belowMs: 0.001, count: 2 },
      { belowMs: Number.POSITIVE_INFINITY, count: 2 },
    ]);
    expect([before.page[before.at], after.page[after.at]]).toEqual([0, 0]);
    expect(Histogram.in(slab).quantile(0.5)).toBeNaN();
  });
});

describe('counter slab', () => {
  test('runs never overlap, are zero when taken, and are used again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(1, 7, HISTOGRAM_SLOTS), fc.boolean()), { maxLength: 300 }),
        (steps) => {
          const slab = new CounterSlab();
          const held: { slots: ReturnType<CounterSlab['take']>; mark: number }[] = [];
          let mark = 0;
          for (const [size, giveBack] of steps) {
            const oldest = giveBack ? held.shift() : undefined;
            if (oldest !== undefined) slab.giveBack(oldest.slots);
            const slots = slab.take(size);
            expect(slots.page.subarray(slots.at, slots.at + size).every((count) => count === 0)).toBe(true);
            slots.page.fill(++mark, slots.at, slots.at + size);
            held.push({ slots, mark });
          }
          for (const { slots, mark } of held) {
            expect(slots.page.subarray(slots.at, slots.at + slots.size).every((count) => count === mark)).toBe(true);
          }
        },
      ),
    );
    const slab = new CounterSlab();
    for (let i = 0; i < 10_000; i++) slab.giveBack(slab.take(HISTOGRAM_SLOTS));
    expect(slab.bytes).toBe(32_768);
  });
});
