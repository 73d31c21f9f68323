import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import Bottleneck from 'bottleneck/light.js';
import { bottleneck, MAX_RATE } from '../../../adapters/engines/bottleneck.js';
import type { PacingEngine } from '../../../src/policy/index.js';

// bottleneck keeps its own time: these tests need fake timers.
beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.clearAllTimers();
  jest.useRealTimers();
  jest.restoreAllMocks();
});

/** What one turn may cost inside bottleneck, in ms of timers. */
const OVERHEAD_MS = 6;

function create(ratePerSecond: number, maxQueued = 1000): PacingEngine {
  return bottleneck.create({ ratePerSecond, maxQueued });
}

/** When each of `count` calls went, in ms from now. */
function enter(engine: PacingEngine, count: number): { times: number[]; leave: ((() => void) | null)[] } {
  const start = Date.now();
  const times: number[] = [];
  const leave = Array.from({ length: count }, () => engine.enter(() => times.push(Date.now() - start)));
  return { times, leave };
}

function gaps(times: number[]): number[] {
  return times.slice(1).map((it, i) => it - times[i]!);
}

describe('turns', () => {
  test('come at the rate, in order of arrival', async () => {
    const engine = create(10);
    const order: number[] = [];
    for (let i = 0; i < 20; i++) engine.enter(() => order.push(i));
    const { times } = enter(engine, 0);
    await jest.advanceTimersByTimeAsync(1000);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await jest.advanceTimersByTimeAsync(1000);
    expect(order.length).toBe(20);
    expect(times).toEqual([]);
  });

  test('an idle engine gives the first one at once, and never two', async () => {
    const engine = create(10);
    await jest.advanceTimersByTimeAsync(5000);
    const { times } = enter(engine, 2);
    await jest.advanceTimersByTimeAsync(150);
    expect(times[0]).toBeLessThanOrEqual(OVERHEAD_MS);
    expect(gaps(times)[0]).toBeGreaterThanOrEqual(100 - OVERHEAD_MS);
  });

  test.each([
    { ratePerSecond: 0, maxQueued: 1 },
    { ratePerSecond: MAX_RATE + 1, maxQueued: 1 },
    { ratePerSecond: Number.NaN, maxQueued: 1 },
    { ratePerSecond: 1, maxQueued: 0 },
  ])('refuses %j, naming what it can', (rule) => {
    expect(() => bottleneck.create(rule)).toThrow(/at most 100|at least 1/);
  });

  test('who waits is called outside the async context of others', async () => {
    jest.useRealTimers();
    const store = new AsyncLocalStorage<string>();
    const engine = create(MAX_RATE);
    const seen = await new Promise((resolve) => {
      store.run('another caller', () => engine.enter(() => {}));
      engine.enter(() => resolve(store.getStore()));
    });
    engine.close();
    expect(seen).toBeUndefined();
  });

  test('a closed engine forgets who waits and leaves no timer', async () => {
    const engine = create(10);
    const { times } = enter(engine, 5);
    await jest.advanceTimersByTimeAsync(50);
    expect(times.length).toBe(1);
    engine.close();
    engine.close();
    await jest.advanceTimersByTimeAsync(2000);
    expect(times.length).toBe(1);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe("bottleneck's known defects", () => {
  test('B1 it collapses over 420 jobs a second: rates end at 100, which it keeps', async () => {
    const { times } = enter(create(MAX_RATE), 300);
    await jest.advanceTimersByTimeAsync(3000 + OVERHEAD_MS);
    expect(times.length).toBeGreaterThanOrEqual(298);
    expect(times.filter((it) => it < 1000).length).toBeLessThanOrEqual(101);
  });

  test('B2 updateSettings stops refills: another rule is another engine, and it is never called', async () => {
    const update = jest.spyOn(Bottleneck.prototype, 'updateSettings');
    const [slow, fast] = [enter(create(10), 50), enter(create(50), 50)];
    await jest.advanceTimersByTimeAsync(1000);
    expect([slow.times.length, fast.times.length]).toEqual([10, 50]);
    expect(update).not.toHaveBeenCalled();
  });

  test('B3, B4 refills are coarse and burst at the edge of a window: there is none, turns are even', async () => {
    const { times } = enter(create(50), 200);
    await jest.advanceTimersByTimeAsync(4100);
    expect(times.length).toBe(200);
    for (const gap of gaps(times)) expect(Math.abs(gap - 20)).toBeLessThanOrEqual(OVERHEAD_MS);
    for (let at = 0; at < 4000; at += 250) {
      expect(times.filter((it) => it >= at && it < at + 250).length).toBeLessThanOrEqual(13);
    }
  });

  test('B5 a high-water mark is only seen when it is hit exactly: the bound is our own', () => {
    const engine = create(10, 3);
    const { leave } = enter(engine, 20);
    expect(leave.filter((it) => it !== null).length).toBe(3);
    expect(engine.queued).toBe(3);
  });

  test('B6, B7 its Redis parts break clusters and bundlers: the build in use has none', () => {
    expect(() => new Bottleneck({ datastore: 'ioredis' })).toThrow(/RedisDatastore\S* is not a constructor/);
  });

  test('B8 groups share and change their options: none is used, and a frozen rule serves many engines', async () => {
    const rule = Object.freeze({ ratePerSecond: 10, maxQueued: 5 });
    const [first, second] = [bottleneck.create(rule), bottleneck.create(rule)].map((it) => enter(it, 3));
    await jest.advanceTimersByTimeAsync(300);
    expect([first!.times.length, second!.times.length]).toEqual([3, 3]);
    expect(rule).toEqual({ ratePerSecond: 10, maxQueued: 5 });
  });

  test('B9 jobs that never end keep their weight: a turn is over when it comes', async () => {
    const engine = create(10);
    const { times } = enter(engine, 3);
    await jest.advanceTimersByTimeAsync(250);
    expect(times.length).toBe(3);
    expect(engine.queued).toBe(0);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('B10 a queued job cannot be taken back: who leaves is never called and takes no turn', async () => {
    const engine = create(10);
    const { times, leave } = enter(engine, 10);
    for (let i = 1; i < 10; i += 2) leave[i]!();
    expect(engine.queued).toBe(5);
    await jest.advanceTimersByTimeAsync(450);
    expect(times.length).toBe(5);
    leave[1]!();
    leave[0]!();
    expect(engine.queued).toBe(0);
  });

  test('if all who waited have left, who comes next still gets a turn', async () => {
    const engine = create(10);
    const gone = enter(engine, 3);
    for (const leave of gone.leave) leave!();
    await jest.advanceTimersByTimeAsync(1000);
    const { times } = enter(engine, 2);
    await jest.advanceTimersByTimeAsync(150);
    expect(times.length).toBe(2);
    expect(gone.times).toEqual([]);
  });

  test('should bottleneck ever fail a turn, who waits gets another', async () => {
    const engine = create(10);
    jest.spyOn(Bottleneck.prototype, 'schedule').mockRejectedValueOnce(new Error('lost'));
    const { times } = enter(engine, 1);
    await jest.advanceTimersByTimeAsync(50);
    expect(times.length).toBe(1);
  });
});
