import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Attempt, Call, Failure, type Outcome, Reply, type Sent } from '../../src/call/index.js';
import { RoutedPass } from '../../src/pipeline/index.js';
import type { ConcurrencySlots } from '../../src/policy/concurrency/index.js';
import {
  attemptTimeoutStage,
  type BreakerEngine,
  circuitBreakerStage,
  concurrencyStage,
  deadlineStage,
  KeyedStateStore,
  type Permit,
  rateLimitStage,
  retryStage,
} from '../../src/policy/index.js';
import type { PolicyRule } from '../../src/rules/index.js';
import { bench, message, protocol, Sink } from '../pipeline/support.js';
import { scope } from './support.js';

/** The stages of this room under the real runner: what each promises alone must hold for all together. */

const POLICY: PolicyRule = {
  timeoutMs: 500,
  attemptTimeoutMs: 100,
  retry: {
    attempts: 2,
    backoffBaseMs: 50,
    backoffMaxMs: 200,
    idempotent: true,
    budget: { percent: 50, minPerSecond: 10, ttlMs: 1000 },
  },
  circuitBreaker: { errorPercent: 50, minimumCalls: 5, windowMs: 1000, openMs: 300 },
  limits: { maxRequests: 3, maxPendingRequests: 3, maxRetries: 2 },
  rateLimit: { bucket: { maxTokens: 20, tokensPerFill: 2, fillIntervalMs: 100 }, conditions: [] },
};

/** Lets through what it is told to, and counts that each permit comes back once. */
class CountingBreaker implements BreakerEngine {
  readonly state = 'closed';
  readonly probeInMs = undefined;
  readonly results: string[] = [];
  readonly out = new Set<Permit>();
  refusing = false;

  admit(): Permit | undefined {
    if (this.refusing) return undefined;
    const permit = { probe: false };
    this.out.add(permit);
    return permit;
  }

  settle(permit: Permit, result: string): void {
    if (!this.out.delete(permit)) throw new Error('a permit came back twice');
    this.results.push(result);
  }

  close(): void {}
}

function setUp(policy: PolicyRule = POLICY) {
  const { runtime, upstream, plan } = bench();
  const breaker = new CountingBreaker();
  const state = new KeyedStateStore().hold();
  const within = scope({ runtime, policy, state, engines: { breaker: { create: () => breaker } } });
  const underRules = plan({
    deadline: deadlineStage.bind(within) ?? null,
    rateLimit: rateLimitStage.bind(within) ?? null,
    retry: retryStage.bind(within) ?? null,
    breaker: circuitBreakerStage.bind(within) ?? null,
    concurrency: concurrencyStage.bind(within) ?? null,
    attemptTimeout: attemptTimeoutStage.bind(within) ?? null,
  });
  const start = (deadlineMs = Number.POSITIVE_INFINITY) => {
    const call = new Call(message(), protocol, { host: 'demo', port: 1 }, new Sink());
    call.startedAt = runtime.now();
    call.deadlineAt = call.startedAt + deadlineMs;
    const outcomes: Outcome[] = [];
    const pass = new RoutedPass(call, underRules, { passEnded: (_pass, outcome) => outcomes.push(outcome) });
    pass.call.now = runtime.now();
    pass.start();
    return { pass, outcomes };
  };
  const { name } = within.cluster;
  const slots = state.get<ConcurrencySlots>(`cluster/${name}/slots`, null, missing);
  const retries = state.get<{ count: number }>(`cluster/${name}/retries`, null, missing);
  return { runtime, upstream, breaker, start, slots, retries };
}

function missing(): never {
  throw new Error('kept under another key');
}

const code = (outcome: Outcome | undefined) => (outcome instanceof Failure ? outcome.code : 'reply');

describe('together', () => {
  test('a silent upstream costs attempts, then the deadline, and the breaker learns of each', () => {
    const { runtime, upstream, breaker, start, slots, retries } = setUp({ ...POLICY, timeoutMs: 150 });
    upstream.onSend = (attempt) => {
      attempt.sent = 'yes';
    };
    const { pass, outcomes } = start();
    runtime.advance(150);
    expect(outcomes.map(code)).toEqual(['DEADLINE']);
    expect(pass.attempts).toBe(2);
    expect(breaker.results).toEqual(['failed', 'failed']);
    expect(upstream.abandoned.length).toBe(2);
    expect([slots.active, retries.count, runtime.pending]).toEqual([0, 0, 0]);
  });

  test('a deadline in the queue takes the waiter out and blames nobody', () => {
    const limits = { maxRequests: 1, maxPendingRequests: 5 };
    const { runtime, breaker, start, slots } = setUp({ ...POLICY, attemptTimeoutMs: 400, limits });
    start();
    const { outcomes } = start(50);
    expect(slots.waiting).toBe(1);
    runtime.advance(50);
    expect(outcomes.map(code)).toEqual(['DEADLINE']);
    expect([slots.active, slots.waiting]).toEqual([1, 0]);
    expect(breaker.results).toEqual(['ignored']);
  });

  test('a deadline during the pause before a retry gives its place among retries back', () => {
    const { runtime, upstream, start, retries } = setUp({ ...POLICY, timeoutMs: 1000 });
    upstream.onSend = (attempt) => attempt.lost(new Failure('CONNECTION_LOST', { sent: 'yes' }));
    const { pass, outcomes } = start();
    expect(retries.count).toBe(1);
    pass.end(new Failure('CANCELLED'));
    expect([retries.count, runtime.pending, outcomes.length]).toEqual([0, 0, 1]);
  });

  test('an open circuit is not retried', () => {
    const { breaker, start } = setUp();
    breaker.refusing = true;
    const { pass, outcomes } = start();
    expect(outcomes.map(code)).toEqual(['CIRCUIT_OPEN']);
    expect(pass.attempts).toBe(1);
  });

  test('whatever happens: one outcome for each call, every permit and slot back, no timer left', () => {
    const sent = fc.constantFrom<Sent>('no', 'maybe', 'yes');
    const event = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('start' as const) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat(120) }) },
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('reply' as const), which: fc.nat(50), error: fc.boolean() }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('lose' as const), which: fc.nat(50), sent }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(50) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('stall' as const), ms: fc.nat(300) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('breaker' as const), refusing: fc.boolean() }) },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 120 }), (events) => {
        const { runtime, upstream, breaker, start, slots, retries } = setUp();
        const calls: ReturnType<typeof start>[] = [];
        const open: Attempt[] = upstream.sent;
        for (const it of events) {
          if (it.do === 'start') calls.push(start());
          else if (it.do === 'advance') runtime.advance(it.ms);
          else if (it.do === 'stall') runtime.stall(it.ms);
          else if (it.do === 'breaker') breaker.refusing = it.refusing;
          else if (it.do === 'cancel') calls[it.which % Math.max(1, calls.length)]?.pass.end(new Failure('CANCELLED'));
          else {
            const attempt = open[it.which % Math.max(1, open.length)];
            if (it.do === 'reply') attempt?.replied(message(it.error ? 'error' : 'response'));
            else attempt?.lost(new Failure('CONNECTION_LOST', { sent: it.sent }));
          }
          expect(slots.active).toBeLessThanOrEqual(3);
          expect(slots.waiting).toBeLessThanOrEqual(3);
          expect(retries.count).toBeLessThanOrEqual(2);
        }
        runtime.advance(10_000);
        expect(calls.filter((it) => it.outcomes.length !== 1)).toEqual([]);
        expect(calls.every((it) => it.outcomes[0] instanceof Reply || it.outcomes[0] instanceof Failure)).toBe(true);
        expect([breaker.out.size, slots.active, slots.waiting, retries.count, runtime.pending]).toEqual([
          0, 0, 0, 0, 0,
        ]);
      }),
      { numRuns: 200 },
    );
  });
});
