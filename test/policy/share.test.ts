import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Share, TokenBucket } from '../../src/policy/index.js';

const shares = (count: number) => Array.from({ length: count }, (_, index) => new Share({ count, index }));
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
const count = fc.integer({ min: 1, max: 12 });

describe('a share of a limit', () => {
  test('the remainder goes to the first', () => {
    expect(shares(3).map((it) => it.of(10))).toEqual([4, 3, 3]);
    expect(shares(3).map((it) => it.of(Number.POSITIVE_INFINITY))).toEqual(Array(3).fill(Number.POSITIVE_INFINITY));
  });

  test('there is no share beyond the last', () => {
    expect(() => new Share({ count: 2, index: 2 })).toThrow('workers: index is 2; from 0 to 1');
  });

  test('shares sum up to the limit, and differ by one at most', () => {
    fc.assert(
      fc.property(count, fc.nat(1000), (count, limit) => {
        const each = shares(count).map((it) => it.of(limit));
        expect(sum(each)).toBe(limit);
        expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('who does not know which one it is takes no remainder, and is not left without any', () => {
    const share = new Share({ count: 3 });
    expect([10, 3, 2, 1, 0].map((limit) => share.of(limit))).toEqual([3, 1, 1, 1, 0]);
    const bucket = { maxTokens: 5, tokensPerFill: 1, fillIntervalMs: 1 };
    expect(share.bucket(bucket)).toEqual({ rule: { ...bucket, maxTokens: 1 }, parts: 3 });
  });

  test('processes that do not know which they are exceed a limit below their number by a burst alone', () => {
    const whole = { maxTokens: 2, tokensPerFill: 2, fillIntervalMs: 1000 };
    const buckets = Array.from({ length: 4 }, () => {
      const { rule, parts } = new Share({ count: 4 }).bucket(whole);
      return new TokenBucket(rule, 0, parts);
    });
    const granted = (now: number) => buckets.filter((it) => it.take(now)).length;
    const first = granted(0);
    let later = 0;
    for (let fill = 1; fill <= 10; fill++) later += granted(fill * whole.fillIntervalMs);
    expect([first, later]).toEqual([4, 20]);
  });

  test('of what is under way at least one, unless the limit is none', () => {
    expect(shares(3).map((it) => [it.underWay(4), it.underWay(1), it.underWay(0)])).toEqual([
      [2, 1, 0],
      [1, 1, 0],
      [1, 1, 0],
    ]);
  });

  test('the only one has the whole', () => {
    const rule = { maxTokens: 7.5, tokensPerFill: 0.5, fillIntervalMs: 10 };
    expect(Share.whole.bucket(rule)).toEqual({ rule, parts: 1 });
    expect([Share.whole.of(7.5), Share.whole.rate(3)]).toEqual([7.5, 3]);
  });

  test.each([[{ count: 0 }], [{ count: 1.5 }], [{ count: 2, index: 3 }], [{ count: 2, index: -1 }]])(
    '%j is none',
    (of) => {
      expect(() => new Share(of)).toThrow(RangeError);
    },
  );
});

describe('buckets of several processes', () => {
  const rules = fc.record({
    maxTokens: fc.nat(40),
    tokensPerFill: fc.nat(20),
    fillIntervalMs: fc.integer({ min: 1, max: 50 }),
  });

  test('grant together no more than the one that they stand for, in any time, whenever each was made', () => {
    const asked = fc.array(fc.record({ pause: fc.nat(30), who: fc.nat(20) }), { maxLength: 400 });
    fc.assert(
      fc.property(
        count,
        rules,
        asked,
        fc.array(fc.nat(49), { minLength: 12, maxLength: 12 }),
        (count, whole, asked, made) => {
          const buckets = shares(count).map((share, i) => {
            const { rule, parts } = share.bucket(whole);
            return new TokenBucket(rule, made[i]!, parts);
          });
          const granted: number[] = [];
          let now = 50;
          for (const { pause, who } of asked) {
            now += pause;
            if (buckets[who % count]!.take(now)) granted.push(now);
          }
          // In each span of time: what a full bucket holds, and the fills that fit.
          for (let from = 0; from < granted.length; from++) {
            for (let to = from; to < granted.length; to++) {
              const fills = Math.floor((granted[to]! - granted[from]!) / whole.fillIntervalMs) + 1;
              expect(to - from + 1).toBeLessThanOrEqual(whole.maxTokens + fills * whole.tokensPerFill);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('that are all asked at each moment grant what the one would, but for what they still keep of a token', () => {
    fc.assert(
      fc.property(count, rules, fc.integer({ min: 1, max: 40 }), (count, whole, fills) => {
        fc.pre(whole.maxTokens >= 1);
        const parts = shares(count).map((share) => share.bucket(whole));
        const buckets = parts.map(({ rule, parts }) => new TokenBucket(rule, 0, parts));
        const one = new TokenBucket(whole, 0);
        let together = 0;
        let alone = 0;
        for (let fill = 0; fill <= fills; fill++) {
          const now = fill * whole.fillIntervalMs;
          for (const bucket of buckets) while (bucket.take(now)) together++;
          while (one.take(now)) alone++;
        }
        expect(together).toBeLessThanOrEqual(alone);
        // Nothing is lost unless a fill is more than a bucket holds.
        const holders = buckets.filter((_, i) => parts[i]!.rule.maxTokens > 0).length;
        const smallest = Math.min(...parts.map(({ rule }) => rule.maxTokens).filter((it) => it > 0));
        if (whole.tokensPerFill / holders + 1 <= smallest) expect(together).toBeGreaterThan(alone - holders);
      }),
    );
  });
});
