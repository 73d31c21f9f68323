import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RetryBudget } from '../../../src/policy/retry/index.js';

const FINAGLE = { percent: 20, minPerSecond: 10, ttlMs: 10_000 };

function withdrawAll(budget: RetryBudget, now: number): number {
  let count = 0;
  while (budget.withdraw(now)) count++;
  return count;
}

describe('RetryBudget', () => {
  test('an idle client may make the floor, over the whole ttl', () => {
    expect(withdrawAll(new RetryBudget(FINAGLE, 0), 0)).toBe(100);
  });

  test('each call adds its share', () => {
    const budget = new RetryBudget({ ...FINAGLE, minPerSecond: 0 }, 0);
    for (let i = 0; i < 1000; i++) budget.deposit(0);
    expect(withdrawAll(budget, 0)).toBe(200);
  });

  test('deposits are forgotten after the ttl', () => {
    const budget = new RetryBudget({ ...FINAGLE, minPerSecond: 0 }, 0);
    for (let i = 0; i < 1000; i++) budget.deposit(500);
    expect(budget.available(9999)).toBe(200);
    expect(budget.available(10_000)).toBe(0);
  });

  test('so are withdrawals', () => {
    const budget = new RetryBudget({ ...FINAGLE, percent: 0 }, 0);
    expect(withdrawAll(budget, 0)).toBe(100);
    expect(budget.withdraw(9999)).toBe(false);
    expect(withdrawAll(budget, 10_000)).toBe(100);
  });

  test('no percent and no floor: no retries', () => {
    const budget = new RetryBudget({ percent: 0, minPerSecond: 0, ttlMs: 1000 }, 0);
    budget.deposit(0);
    expect(budget.withdraw(0)).toBe(false);
  });

  test.each([
    { ...FINAGLE, ttlMs: 0 },
    { ...FINAGLE, percent: -1 },
    { ...FINAGLE, minPerSecond: Number.NaN },
  ])('refuses %j', (rule) => {
    expect(() => new RetryBudget(rule, 0)).toThrow(RangeError);
  });

  test('is the naive list of entries, for any order of calls, retries and pauses', () => {
    const step = fc.record({ afterMs: fc.integer({ min: 0, max: 400 }), retry: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.integer({ min: 0, max: 150 }),
        fc.nat(3),
        (steps, percent, min) => {
          const rule = { percent, minPerSecond: min, ttlMs: 1000 };
          const budget = new RetryBudget(rule, 0);
          const naive: { window: number; amount: number }[] = [];
          let now = 0;
          for (const { afterMs, retry } of steps) {
            now += afterMs;
            const window = Math.floor(now / 100);
            const sum = naive.filter((it) => it.window > window - 10).reduce((total, it) => total + it.amount, 0);
            const allowed = sum + min * 100 >= 100;
            if (!retry) naive.push({ window, amount: percent });
            else if (allowed) naive.push({ window, amount: -100 });
            if (retry) expect(budget.withdraw(now)).toBe(allowed);
            else budget.deposit(now);
          }
        },
      ),
    );
  });

  test('a clock reading older than the newest counts as the newest', () => {
    const budget = new RetryBudget({ ...FINAGLE, minPerSecond: 0 }, 0);
    expect(budget.available(20_000)).toBe(0);
    for (let i = 0; i < 5; i++) budget.deposit(100);
    expect(budget.available(20_000)).toBe(1);
    expect(budget.available(29_999)).toBe(1);
    expect(budget.available(30_000)).toBe(0);
  });
});
