import { describe, expect, test } from '@jest/globals';
import { STALL_FROM_MS } from '../../src/runtime/index.js';
import { ManualRuntime } from '../../src/testing/index.js';

function recorder(runtime: ManualRuntime) {
  const seen: string[] = [];
  const arm = (delayMs: number, name: string, then?: () => void) =>
    runtime.timers.arm(delayMs, {
      expired: (timer) => {
        seen.push(`${name}@${runtime.now() - 1000} late ${timer.lateMs}`);
        then?.();
      },
    });
  return { seen, arm };
}

describe('ManualRuntime', () => {
  test('expires timers in due order, at their due time, those armed by handlers included', () => {
    const runtime = new ManualRuntime();
    const { seen, arm } = recorder(runtime);
    arm(30, 'late');
    arm(10, 'early', () => {
      arm(5, 'nested');
      arm(100, 'beyond');
    });
    arm(10, 'twin');
    runtime.advance(50);
    expect(seen).toEqual(['early@10 late 0', 'twin@10 late 0', 'nested@15 late 0', 'late@30 late 0']);
    expect(runtime.now()).toBe(1050);
    expect(runtime.pending).toBe(1);
    expect(runtime.nextDueAt).toBe(1110);
  });

  test('cancelled timers do not expire, also when a handler of the same moment cancels them', () => {
    const runtime = new ManualRuntime();
    const { seen, arm } = recorder(runtime);
    arm(10, 'first', () => second.cancel());
    const second = arm(10, 'second');
    const third = arm(20, 'third');
    third.ref();
    expect(runtime.referenced).toBe(1);
    third.cancel();
    expect(runtime.referenced).toBe(0);
    runtime.advance(100);
    expect(seen).toEqual(['first@10 late 0']);
    expect(runtime.pending).toBe(0);
  });

  test('a stall expires nothing until the poll phase is over, and is told', () => {
    const runtime = new ManualRuntime();
    const { seen, arm } = recorder(runtime);
    const answered = arm(100, 'answered');
    arm(100, 'silent');
    arm(150 - STALL_FROM_MS + 1, 'jitter');
    runtime.stall(150);
    expect(seen).toEqual([]);
    answered.cancel();
    runtime.advance(0);
    expect(seen).toEqual(['silent@150 late 50', 'jitter@150 late 0']);
  });

  test('advanceAsync lets promises run between expiries', async () => {
    const runtime = new ManualRuntime();
    const { seen, arm } = recorder(runtime);
    arm(10, 'first', () => void Promise.resolve().then(() => arm(5, 'promised')));
    arm(30, 'second');
    await runtime.advanceAsync(30);
    expect(seen).toEqual(['first@10 late 0', 'promised@15 late 0', 'second@30 late 0']);
  });

  test('chance is seeded, in [0, 1), and even', () => {
    const a = new ManualRuntime(7);
    const b = new ManualRuntime(7);
    const c = new ManualRuntime(8);
    const draws = Array.from({ length: 10_000 }, () => a.random());
    expect(Array.from({ length: 10_000 }, () => b.random())).toEqual(draws);
    expect(c.random()).not.toBe(draws[0]);
    const tenths = new Array<number>(10).fill(0);
    for (const draw of draws) tenths[Math.floor(draw * 10)]!++;
    for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150);
    expect(draws.reduce((sum, draw) => sum + draw, 0) / 10_000).toBeCloseTo(0.5, 1);
  });
});
