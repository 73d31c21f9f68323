import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import CircuitBreaker from 'opossum';
import { opossum } from '../../../adapters/engines/opossum.js';
import type { BreakerEngine, BreakerState, Permit } from '../../../src/policy/index.js';
import type { CircuitBreakerRule } from '../../../src/rules/index.js';

const RULE: CircuitBreakerRule = { errorPercent: 50, minimumCalls: 10, windowMs: 10_000, openMs: 5000 };

// opossum keeps its own time: these are the only tests of the mesh that need fake timers.
beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.clearAllTimers();
  jest.useRealTimers();
  jest.restoreAllMocks();
});

/** Lets outcomes reach opossum, as the next turn of the event loop does. */
function turn(): void {
  jest.advanceTimersByTime(0);
}

function create(rule: Partial<CircuitBreakerRule> = {}) {
  const changes: BreakerState[] = [];
  const engine = opossum({ now: () => Date.now() }).create({ ...RULE, ...rule }, (state) => changes.push(state));
  return { engine, changes };
}

function attempts(engine: BreakerEngine, count: number, result: 'ok' | 'failed' | 'ignored'): void {
  for (let i = 0; i < count; i++) engine.settle(engine.admit()!, result);
}

function opened(rule: Partial<CircuitBreakerRule> = {}) {
  const breaker = create(rule);
  attempts(breaker.engine, RULE.minimumCalls, 'failed');
  turn();
  expect(breaker.engine.state).toBe('open');
  return breaker;
}

function halfOpen(rule: Partial<CircuitBreakerRule> = {}) {
  const breaker = opened(rule);
  jest.advanceTimersByTime(rule.openMs ?? RULE.openMs);
  expect(breaker.engine.state).toBe('half-open');
  return breaker;
}

describe('opens', () => {
  test('at the percentage, among the minimum of calls', () => {
    const { engine } = create();
    attempts(engine, 5, 'ok');
    attempts(engine, 4, 'failed');
    turn();
    expect(engine.state).toBe('closed');
    attempts(engine, 1, 'failed');
    turn();
    expect(engine.state).toBe('open');
    expect(engine.admit()).toBeUndefined();
  });

  test('not below it', () => {
    const { engine } = create();
    attempts(engine, 51, 'ok');
    attempts(engine, 49, 'failed');
    turn();
    expect(engine.state).toBe('closed');
  });

  test('not below the minimum of calls, whatever part of them failed', () => {
    const { engine } = create();
    attempts(engine, 9, 'failed');
    turn();
    expect(engine.state).toBe('closed');
  });

  test('not for what is older than the window', () => {
    const { engine } = create();
    attempts(engine, 9, 'failed');
    turn();
    jest.advanceTimersByTime(10_000);
    attempts(engine, 9, 'failed');
    turn();
    expect(engine.state).toBe('closed');
    attempts(engine, 1, 'failed');
    turn();
    expect(engine.state).toBe('open');
  });

  test('for what is within the window', () => {
    const { engine } = create();
    attempts(engine, 9, 'failed');
    turn();
    jest.advanceTimersByTime(8900);
    attempts(engine, 1, 'failed');
    turn();
    expect(engine.state).toBe('open');
  });

  test('exactly when a naive count of the window says so', () => {
    const result = fc.constantFrom('ok' as const, 'failed' as const, 'ignored' as const);
    const step = fc.record({ afterMs: fc.nat(400), results: fc.array(result, { minLength: 1, maxLength: 5 }) });
    const rules = fc.record({
      errorPercent: fc.integer({ min: 1, max: 100 }),
      minimumCalls: fc.integer({ min: 1, max: 12 }),
      windowMs: fc.constantFrom(200, 1000),
    });
    fc.assert(
      fc.property(rules, fc.array(step, { maxLength: 40 }), (rule, steps) => {
        const { engine } = create(rule);
        const bucketMs = 100;
        const buckets = rule.windowMs / bucketMs;
        const naive: { bucket: number; failed: boolean }[] = [];
        for (const { afterMs, results } of steps) {
          jest.advanceTimersByTime(afterMs);
          const bucket = Math.floor(Date.now() / bucketMs);
          for (const it of results) {
            attempts(engine, 1, it);
            if (it !== 'ignored') naive.push({ bucket, failed: it === 'failed' });
          }
          turn();
          const window = naive.filter((it) => it.bucket > bucket - buckets);
          const failures = window.filter((it) => it.failed).length;
          const opens =
            results.includes('failed') &&
            window.length >= rule.minimumCalls &&
            (failures / window.length) * 100 >= rule.errorPercent;
          expect(engine.state).toBe(opens ? 'open' : 'closed');
          if (opens) break;
        }
        engine.close();
      }),
    );
  });

  test('and says so once, and when the probe may go', () => {
    const { engine, changes } = opened();
    expect(changes).toEqual(['open']);
    expect(engine.probeInMs).toBe(5000);
    jest.advanceTimersByTime(1500);
    expect(engine.probeInMs).toBe(3500);
  });
});

describe('probes', () => {
  test('once, after openMs', () => {
    const { engine } = opened();
    jest.advanceTimersByTime(4999);
    expect(engine.admit()).toBeUndefined();
    jest.advanceTimersByTime(1);
    expect(engine.admit()).toEqual({ probe: true });
    expect(engine.admit()).toBeUndefined();
    expect(engine.probeInMs).toBeUndefined();
  });

  test('a good one closes the circuit', () => {
    const { engine, changes } = halfOpen();
    engine.settle(engine.admit()!, 'ok');
    expect(engine.state).toBe('closed');
    expect(changes).toEqual(['open', 'half-open', 'closed']);
  });

  test('a failed one opens it for another openMs', () => {
    const { engine, changes } = halfOpen();
    engine.settle(engine.admit()!, 'failed');
    expect(changes).toEqual(['open', 'half-open', 'open']);
    expect(engine.probeInMs).toBe(5000);
    jest.advanceTimersByTime(5000);
    expect(engine.admit()).toEqual({ probe: true });
  });

  test('one that says nothing lets in the next', () => {
    const { engine } = halfOpen();
    engine.settle(engine.admit()!, 'ignored');
    expect(engine.state).toBe('half-open');
    expect(engine.admit()).toEqual({ probe: true });
  });

  test('what failed before does not open a circuit that has closed again', () => {
    const { engine } = halfOpen({ openMs: 100 });
    engine.settle(engine.admit()!, 'ok');
    attempts(engine, 9, 'failed');
    turn();
    expect(engine.state).toBe('closed');
  });
});

describe("opossum's known defects", () => {
  test('O1 judging is dear: done once a turn, however many calls failed, and no latencies pile up', () => {
    const stats = jest.spyOn(CircuitBreaker.prototype, 'stats', 'get');
    const { engine } = create({ errorPercent: 100 });
    attempts(engine, 1, 'ok');
    attempts(engine, 10_000, 'failed');
    expect(stats).not.toHaveBeenCalled();
    turn();
    expect(stats).toHaveBeenCalledTimes(1);
    const judged = stats.mock.results[0]!.value as CircuitBreaker.Stats;
    expect([judged.fires, judged.failures, judged.successes]).toEqual([10_001, 10_000, 1]);
    expect(windowOf(stats).flatMap((it) => it.latencyTimes)).toEqual([]);
  });

  test('O2 capacity rejections count as failures: it is given no capacity', () => {
    const fire = jest.spyOn(CircuitBreaker.prototype, 'fire');
    const { engine } = create();
    const many = Array.from({ length: 5000 }, () => engine.admit()!);
    expect(many.every((it) => it !== undefined)).toBe(true);
    turn();
    expect(engine.state).toBe('closed');
    expect(fire).not.toHaveBeenCalled();
  });

  test('O3 calls under way dilute the rate: only finished ones are in it', () => {
    const { engine } = create();
    const hanging = Array.from({ length: 1000 }, () => engine.admit()!);
    attempts(engine, 10, 'failed');
    turn();
    expect(engine.state).toBe('open');
    for (const permit of hanging) engine.settle(permit, 'ok');
  });

  test.each(['ok', 'failed'] as const)('O4 a call from before the circuit opened moves nothing (%s)', (result) => {
    const { engine, changes } = create();
    const early = [engine.admit()!, engine.admit()!, engine.admit()!];
    attempts(engine, 10, 'failed');
    turn();
    engine.settle(early[0]!, result);
    turn();
    jest.advanceTimersByTime(5000);
    engine.settle(early[1]!, result);
    turn();
    expect(engine.state).toBe('half-open');
    engine.settle(engine.admit()!, 'ok');
    for (let i = 0; i < 100; i++) engine.settle(early[2]!, result);
    turn();
    expect(changes).toEqual(['open', 'half-open', 'closed']);
  });

  test('O5 a probe that never settles blocks for ever: after openMs the next may go, and the first moves nothing', () => {
    const { engine } = halfOpen();
    const lost = engine.admit()!;
    jest.advanceTimersByTime(4999);
    expect(engine.admit()).toBeUndefined();
    jest.advanceTimersByTime(1);
    const second = engine.admit()!;
    engine.settle(lost, 'ok');
    expect(engine.state).toBe('half-open');
    engine.settle(second, 'ok');
    expect(engine.state).toBe('closed');
  });

  test('O6, O7, O8 timeouts abort neighbours, free capacity early and count twice: it times nothing', () => {
    const emit = jest.spyOn(CircuitBreaker.prototype, 'emit');
    const { engine } = create();
    const slow = engine.admit()!;
    jest.advanceTimersByTime(3_600_000);
    engine.settle(slow, 'ok');
    attempts(engine, 1, 'failed');
    turn();
    expect(engine.state).toBe('closed');
    const events = emit.mock.calls.map(([event]) => event);
    expect(events).not.toContain('timeout');
    expect(events).toContain('failure');
  });

  test('O9 a late failure revives a breaker that was shut down: what is closed stays so', () => {
    const { engine, changes } = create();
    const late = Array.from({ length: 20 }, () => engine.admit() as Permit);
    attempts(engine, 10, 'failed');
    engine.close();
    for (const permit of late) engine.settle(permit, 'failed');
    turn();
    jest.advanceTimersByTime(20_000);
    expect(changes).toEqual([]);
  });

  test('O9 also one that was open: its timer is gone with it', () => {
    const { engine, changes } = opened();
    engine.close();
    jest.advanceTimersByTime(20_000);
    expect(changes).toEqual(['open']);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('O10 a health check can never be cleared: none is used, so nothing runs after the end', () => {
    const healthCheck = jest.spyOn(CircuitBreaker.prototype, 'healthCheck');
    const { engine } = opened();
    engine.close();
    expect(healthCheck).not.toHaveBeenCalled();
    expect(jest.getTimerCount()).toBe(0);
  });

  test('O11 exported state has the wrong time: nothing is exported, and the time of opening is our own', () => {
    const { engine } = create();
    jest.advanceTimersByTime(60_000);
    attempts(engine, 10, 'failed');
    turn();
    expect(engine.probeInMs).toBe(5000);
  });

  test('O12 options are changed and kept: a frozen rule serves many breakers', () => {
    const rule = Object.freeze({ ...RULE });
    const factory = opossum({ now: () => Date.now() });
    const [first, second] = [factory.create(rule, () => {}), factory.create(rule, () => {})];
    attempts(first, 10, 'failed');
    turn();
    expect([first.state, second.state]).toEqual(['open', 'closed']);
    expect(rule).toEqual(RULE);
  });

  test('O13 timers for every breaker: an idle one has none, an open one a single timer', () => {
    const many = Array.from({ length: 100 }, () => create().engine);
    expect(jest.getTimerCount()).toBe(0);
    attempts(many[0]!, 10, 'failed');
    turn();
    expect(jest.getTimerCount()).toBe(1);
  });

  test('O14 promises only: its rejections go nowhere', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    opened();
    jest.useRealTimers();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  test('a wait longer than a timer can hold is not taken for none', () => {
    const { engine } = opened({ openMs: 2 ** 40 });
    jest.advanceTimersByTime(1000);
    expect(engine.state).toBe('open');
  });
});

type StatsSpy = { mock: { contexts: unknown[] } };

function windowOf(stats: StatsSpy): CircuitBreaker.Window {
  return (stats.mock.contexts[0] as CircuitBreaker).status.window;
}
