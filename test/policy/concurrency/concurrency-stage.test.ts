import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Failure } from '../../../src/call/index.js';
import { concurrencyStage } from '../../../src/policy/concurrency/index.js';
import { type Gate, KeyedStateStore, WAIT } from '../../../src/policy/index.js';
import { FakeAttempt, FakePass, isRefused, reply, type ScopeOptions, scope } from '../support.js';

const OK = reply();

function bind(maxRequests: number, maxPendingRequests: number, options: ScopeOptions = {}): Gate<FakeAttempt> {
  const policy = { limits: { maxRequests, maxPendingRequests } };
  return concurrencyStage.bind(scope({ policy, ...options }))! as Gate<FakeAttempt>;
}

/** Lets `resume` do what the runner does when the rest of the way fails at once. */
class FailingAttempt extends FakeAttempt {
  constructor(readonly gate: Gate<FakeAttempt>) {
    super(new FakePass());
  }

  override resume(): void {
    super.resume();
    this.gate.settled(this, new Failure('NO_ENDPOINT'));
  }
}

describe('concurrency', () => {
  test('no limit, no stage', () => {
    expect(concurrencyStage.bind(scope())).toBeUndefined();
    expect(concurrencyStage.bind(scope({ policy: { limits: { maxPendingRequests: 1 } } }))).toBeUndefined();
  });

  test('as many as the limit go on, some wait, the rest is refused', () => {
    const gate = bind(2, 1);
    const verdicts = [1, 2, 3, 4].map(() => gate.before(new FakeAttempt()));
    expect(verdicts.slice(0, 3)).toEqual([undefined, undefined, WAIT]);
    expect(verdicts[3]).toMatchObject({ code: 'OVERFLOW', sent: 'no', role: 'concurrency' });
    expect((verdicts[3] as Failure).message).toContain('outbound|20880|v1|demo has 2 requests under way and 1 waiting');
  });

  test('without a place to wait, what is over the limit is refused at once', () => {
    const gate = bind(1, 0);
    gate.before(new FakeAttempt());
    expect(isRefused(gate.before(new FakeAttempt()), 'OVERFLOW')).toBe(true);
  });

  test('a freed slot goes to the oldest waiter', () => {
    const gate = bind(1, 5);
    const attempts = [0, 1, 2].map(() => new FakeAttempt());
    for (const attempt of attempts) gate.before(attempt);
    gate.settled(attempts[0]!, OK);
    expect(attempts.map((it) => it.resumed)).toEqual([[], [undefined], []]);
    gate.settled(attempts[1]!, OK);
    expect(attempts[2]!.resumed).toEqual([undefined]);
    gate.settled(attempts[2]!, OK);
    expect(gate.before(new FakeAttempt())).toBeUndefined();
  });

  test('who settles while waiting leaves the queue, wherever it stands, and frees no slot', () => {
    for (const leaver of [1, 2, 3]) {
      const gate = bind(1, 3);
      const attempts = [0, 1, 2, 3].map(() => new FakeAttempt());
      for (const attempt of attempts) gate.before(attempt);
      gate.settled(attempts[leaver]!, new Failure('DEADLINE'));
      expect(gate.before(new FakeAttempt())).toBe(WAIT);
      for (const attempt of attempts) if (attempt !== attempts[leaver]) gate.settled(attempt, OK);
      expect(attempts.map((it) => it.resumed.length)).toEqual(
        [0, 1, 2, 3].map((i) => (i === 0 || i === leaver ? 0 : 1)),
      );
    }
  });

  test('a thousand waiters that all end at once do not overflow the stack', () => {
    const gate = bind(1, 100_000);
    const first = new FakeAttempt();
    gate.before(first);
    const waiters = Array.from({ length: 100_000 }, () => new FailingAttempt(gate));
    for (const waiter of waiters) gate.before(waiter);
    gate.settled(first, OK);
    expect(waiters.every((it) => it.resumed.length === 1)).toBe(true);
    expect(gate.before(new FakeAttempt())).toBeUndefined();
  });

  test('a waiter that throws when it is let in stops nobody else for good', () => {
    const gate = bind(1, 2);
    const attempts = [0, 1, 2].map(() => new FakeAttempt());
    for (const attempt of attempts) gate.before(attempt);
    attempts[1]!.resume = () => {
      throw new Error('a bug elsewhere');
    };
    expect(() => gate.settled(attempts[0]!, OK)).toThrow('a bug elsewhere');
    gate.settled(attempts[1]!, OK);
    expect(attempts[2]!.resumed).toEqual([undefined]);
  });

  test('an endless queue has an end all the same', () => {
    const gate = bind(1, Number.POSITIVE_INFINITY);
    for (let i = 0; i < 1025; i++) gate.before(new FakeAttempt());
    expect(isRefused(gate.before(new FakeAttempt()), 'OVERFLOW')).toBe(true);
  });

  test('is the naive queue, in any order of arrivals and ends', () => {
    const step = fc.record({ arrive: fc.boolean(), which: fc.nat(1000) });
    fc.assert(
      fc.property(fc.nat(4), fc.nat(4), fc.array(step, { maxLength: 100 }), (maxRequests, maxPending, steps) => {
        const gate = bind(maxRequests, maxPending);
        const active: FakeAttempt[] = [];
        const queue: FakeAttempt[] = [];
        for (const { arrive, which } of steps) {
          if (arrive) {
            const attempt = new FakeAttempt();
            const verdict = gate.before(attempt);
            if (active.length < maxRequests) {
              expect(verdict).toBeUndefined();
              active.push(attempt);
            } else if (queue.length < maxPending) {
              expect(verdict).toBe(WAIT);
              queue.push(attempt);
            } else expect(isRefused(verdict, 'OVERFLOW')).toBe(true);
            continue;
          }
          const all = [...active, ...queue];
          const leaver = all[which % Math.max(1, all.length)];
          if (leaver === undefined) continue;
          gate.settled(leaver, OK);
          if (active.includes(leaver)) active.splice(active.indexOf(leaver), 1);
          else queue.splice(queue.indexOf(leaver), 1);
          if (active.length < maxRequests && queue.length > 0) active.push(queue.shift()!);
          expect(active.filter((it) => it.resumed.length > 1)).toEqual([]);
          expect(queue.filter((it) => it.resumed.length > 0)).toEqual([]);
        }
      }),
    );
  });
});

describe('a push of rules', () => {
  test('keeps the count and moves the limit, also for who waits', () => {
    const store = new KeyedStateStore();
    const before = bind(1, 5, { state: store.hold() });
    const attempts = [0, 1, 2, 3].map(() => new FakeAttempt());
    for (const attempt of attempts) before.before(attempt);
    const after = bind(3, 5, { state: store.hold() });
    expect(after.before(new FakeAttempt())).toBeUndefined();
    before.settled(attempts[0]!, OK);
    expect(attempts.map((it) => it.resumed.length)).toEqual([0, 1, 1, 0]);
  });

  test('lowering the limit cuts nothing off and lets nobody in until there is room', () => {
    const store = new KeyedStateStore();
    const before = bind(3, 5, { state: store.hold() });
    const attempts = [0, 1, 2, 3].map(() => new FakeAttempt());
    for (const attempt of attempts) before.before(attempt);
    bind(1, 5, { state: store.hold() });
    before.settled(attempts[0]!, OK);
    before.settled(attempts[1]!, OK);
    expect(attempts[3]!.resumed).toEqual([]);
    before.settled(attempts[2]!, OK);
    expect(attempts[3]!.resumed).toEqual([undefined]);
  });

  test('routes share the slots of their cluster, each under its own limit', () => {
    const state = new KeyedStateStore().hold();
    const strict = bind(1, 1, { state, route: { name: 'strict' } });
    const wide = bind(3, 1, { state, route: { name: 'wide' } });
    expect(wide.before(new FakeAttempt())).toBeUndefined();
    expect(strict.before(new FakeAttempt())).toBe(WAIT);
    expect(wide.before(new FakeAttempt())).toBeUndefined();
  });
});
