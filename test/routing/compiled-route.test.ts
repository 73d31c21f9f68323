import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CompiledRoute } from '../../src/routing/index.js';
import { route } from './rules.js';

function weighted(...weights: number[]): CompiledRoute {
  const destinations = weights.map((weight, i) => ({ cluster: `outbound|1|v${i}|h`, weight }));
  return new CompiledRoute(0, route('r', [], { destinations }), {});
}

const LAST_DRAW = 1 - 2 ** -53;

describe('the weighted draw', () => {
  test('falls into half-open intervals in the order of the entries', () => {
    const split = weighted(20, 0, 80);
    expect([0, 0.1999, 0.2, 0.5, LAST_DRAW].map((draw) => split.pickDestination(draw))).toEqual([0, 0, 2, 2, 2]);
  });

  test('gives a single destination everything, whatever its weight', () => {
    expect(weighted(0).pickDestination(0)).toBe(0);
    expect(weighted(7).pickDestination(LAST_DRAW)).toBe(0);
  });

  test('leads nowhere without destinations, or if all weights are 0', () => {
    expect(weighted().pickDestination(0.5)).toBe(-1);
    expect(weighted(0, 0).pickDestination(0)).toBe(-1);
  });

  test('finds an entry of some weight for every draw', () => {
    const weights = fc.array(fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 0xffffffff })), {
      minLength: 2,
      maxLength: 8,
    });
    const draw = fc.oneof(fc.double({ min: 0, max: LAST_DRAW, noNaN: true }), fc.constant(LAST_DRAW), fc.constant(0));
    fc.assert(
      fc.property(weights, draw, (entries, at) => {
        fc.pre(entries.some((weight) => weight > 0));
        expect(entries[weighted(...entries).pickDestination(at)]).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32])('refuses a weight of %p', (weight) => {
    expect(() => weighted(1, weight)).toThrow(/weight of outbound\|1\|v1\|h is/);
  });
});

test('the last mutation of a key wins; hash keys are lower-cased and stay repeated', () => {
  const compiled = new CompiledRoute(
    3,
    route('r', [], {
      hashKeys: ['Method', 'uid', 'method'],
      requestMutation: [
        ['foo', '1'],
        ['Bar', '2'],
        ['foo', '3'],
      ],
    }),
    {},
  );
  expect(compiled.hashKeys).toEqual(['method', 'uid', 'method']);
  expect([...compiled.requestMutation!.entries()]).toEqual([
    ['Bar', '2'],
    ['foo', '3'],
  ]);
  expect(compiled.responseMutation).toBeUndefined();
});
