import { describe, expect, test } from '@jest/globals';
import { ByteBudget, type ByteHolder } from '../../src/connection/index.js';

class Holder implements ByteHolder {
  heldBytes = 0;
  freed = 0;
  evicted: string | undefined;

  constructor(private readonly budget: ByteBudget) {}

  hold(bytes: number): this {
    this.heldBytes = bytes;
    this.budget.note(this, bytes);
    return this;
  }

  budgetFreed(): void {
    this.freed++;
  }

  evict(reason: string): void {
    this.evicted = reason;
    this.heldBytes = 0;
    this.budget.note(this, 0);
  }
}

describe('ByteBudget', () => {
  test('over half of it reading pauses, and goes on below three eighths', () => {
    const budget = new ByteBudget(800);
    const [a, b] = [new Holder(budget).hold(200), new Holder(budget).hold(200)];
    expect(budget.pausing).toBe(false);
    b.hold(201);
    expect(budget.pausing).toBe(true);
    b.hold(150);
    expect([budget.pausing, a.freed]).toEqual([true, 0]);
    b.hold(50);
    expect([budget.pausing, a.freed, b.freed, budget.usedBytes]).toEqual([false, 1, 1, 250]);
  });

  test('at the whole, whoever holds most is closed, and nobody else', () => {
    const budget = new ByteBudget(800);
    const holders = [300, 350, 149].map((bytes) => new Holder(budget).hold(bytes));
    holders[2]!.hold(151);
    expect(holders.map((holder) => holder.evicted !== undefined)).toEqual([false, true, false]);
    expect(holders[1]!.evicted).toBe('350 bytes held, the most of 801 where 800 are allowed');
    expect(budget.usedBytes).toBe(451);
  });

  test('a share that shrank unnoticed is asked for before anybody is closed', () => {
    const budget = new ByteBudget(800);
    const [a, b] = [new Holder(budget).hold(600), new Holder(budget)];
    a.heldBytes = 10;
    b.hold(700);
    expect([a.evicted, b.evicted, budget.usedBytes]).toEqual([undefined, undefined, 710]);
  });
});
