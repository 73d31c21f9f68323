import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TokenBucket } from '../../../src/policy/rate-limit/index.js';
import type { TokenBucketRule } from '../../../src/rules/index.js';

describe('TokenBucket', () => {
  test('starts full', () => {
    const bucket = new TokenBucket({ maxTokens: 3, tokensPerFill: 1, fillIntervalMs: 1000 }, 0);
    expect([0, 0, 0, 0].map((at) => bucket.take(at))).toEqual([true, true, true, false]);
  });

  test('gains at whole intervals of its own origin, not before', () => {
    const bucket = new TokenBucket({ maxTokens: 1, tokensPerFill: 1, fillIntervalMs: 1000 }, 500);
    expect([500, 1499, 1500, 1501, 2499, 2500].map((at) => bucket.take(at))).toEqual([
      true,
      false,
      true,
      false,
      false,
      true,
    ]);
  });

  test('never holds more than its maximum, however long nobody asked', () => {
    const bucket = new TokenBucket({ maxTokens: 2, tokensPerFill: 5, fillIntervalMs: 10 }, 0);
    expect(bucket.available(1e12)).toBe(2);
  });

  test('is the naive bucket that fills tick by tick', () => {
    const rules = fc.record({
      maxTokens: fc.integer({ min: 0, max: 20 }),
      tokensPerFill: fc.integer({ min: 0, max: 25 }),
      fillIntervalMs: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(rules, fc.nat(1000), fc.array(fc.nat(90), { maxLength: 300 }), (rule, origin, pauses) => {
        const bucket = new TokenBucket(rule, origin);
        const naive = naiveBucket(rule, origin);
        let now = origin;
        for (const pause of pauses) {
          now += pause;
          expect(bucket.take(now)).toBe(naive(now));
        }
      }),
    );
  });

  test('asking with an old clock reading first and the true one after changes nothing but the cost', () => {
    const rule = { maxTokens: 5, tokensPerFill: 2, fillIntervalMs: 20 };
    const step = fc.record({ pause: fc.nat(30), staleBy: fc.nat(100) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const bucket = new TokenBucket(rule, 0);
        const naive = naiveBucket(rule, 0);
        let now = 0;
        for (const { pause, staleBy } of steps) {
          now += pause;
          expect(bucket.take(now - staleBy) || bucket.take(now)).toBe(naive(now));
        }
      }),
    );
  });

  test('does not drift with fractions of a millisecond', () => {
    const bucket = new TokenBucket({ maxTokens: 1, tokensPerFill: 1, fillIntervalMs: 0.1 }, 0);
    let taken = 0;
    for (let at = 0; at < 100_000; at++) if (bucket.take((at + 0.5) * 0.1)) taken++;
    expect(taken).toBe(100_000);
  });

  test.each([
    { maxTokens: 1, tokensPerFill: 1, fillIntervalMs: 0 },
    { maxTokens: 1, tokensPerFill: 1, fillIntervalMs: Number.NaN },
    { maxTokens: 1, tokensPerFill: 1, fillIntervalMs: Number.POSITIVE_INFINITY },
    { maxTokens: -1, tokensPerFill: 1, fillIntervalMs: 1 },
    { maxTokens: 1, tokensPerFill: Number.NaN, fillIntervalMs: 1 },
  ])('refuses %j', (rule) => {
    expect(() => new TokenBucket(rule, 0)).toThrow(RangeError);
  });
});

/** A timer that ticks, as written down in Envoy's documentation. */
function naiveBucket({ maxTokens, tokensPerFill, fillIntervalMs }: TokenBucketRule, origin: number) {
  let tokens = maxTokens;
  let nextFill = origin + fillIntervalMs;
  return (now: number): boolean => {
    for (; nextFill <= now; nextFill += fillIntervalMs) tokens = Math.min(maxTokens, tokens + tokensPerFill);
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
