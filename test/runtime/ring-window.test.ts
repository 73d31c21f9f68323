import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RingWindow } from '../../src/runtime/index.js';

describe('ring window', () => {
  test('against a naive list of events', () => {
    const step = fc.record({
      passes: fc.oneof(fc.constant(0), fc.nat(40), fc.nat(3000)),
      series: fc.nat(1),
      count: fc.nat(5),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), fc.integer({ min: 1, max: 12 }), (steps, parts) => {
        const partMs = 25;
        const window = new RingWindow(partMs * parts, parts, 2);
        const events: { part: number; series: number; count: number }[] = [];
        let now = 5000.5;
        for (const { passes, series, count } of steps) {
          now += passes;
          const part = Math.floor(now / partMs);
          window.add(now, series, count);
          events.push({ part, series, count });
          for (const asked of [0, 1]) {
            const naive = events
              .filter((event) => event.series === asked && event.part > part - parts)
              .reduce((sum, event) => sum + event.count, 0);
            expect(window.sum(now, asked)).toBe(naive);
          }
        }
      }),
    );
  });

  test('forgets all after its span, and when cleared; a clock that goes back loses nothing', () => {
    const window = new RingWindow(1000, 10);
    window.add(5000);
    window.add(4000);
    expect(window.sum(5999)).toBe(2);
    expect(window.sum(6000)).toBe(0);
    window.add(6000);
    window.clear();
    expect(window.sum(6000)).toBe(0);
  });

  test('refuses a span or a number of parts that is not above 0', () => {
    expect(() => new RingWindow(0)).toThrow('above 0');
    expect(() => new RingWindow(100, 0)).toThrow(RangeError);
  });
});
