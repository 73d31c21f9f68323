import { describe, expect, jest, test } from '@jest/globals';
import { FAILURES, Failure, type FailureCode, type Outcome, WRITTEN } from '../../../src/call/index.js';
import { breakerResult, circuitBreakerStage } from '../../../src/policy/circuit-breaker/index.js';
import { type BreakerEngine, type BreakerEngineFactory, KeyedStateStore } from '../../../src/policy/index.js';
import type { CircuitBreakerRule } from '../../../src/rules/index.js';
import { FakeAttempt, reply, scope } from '../support.js';

const RULE: CircuitBreakerRule = { errorPercent: 50, minimumCalls: 20, windowMs: 10_000, openMs: 5000 };

function setUp() {
  const permit = { probe: false };
  const engine = {
    admit: jest.fn<BreakerEngine['admit']>(() => permit),
    settle: jest.fn<BreakerEngine['settle']>(),
    state: 'closed' as const,
    probeInMs: undefined as number | undefined,
    close: jest.fn<BreakerEngine['close']>(),
  };
  const create = jest.fn<BreakerEngineFactory['create']>(() => engine);
  return { engine, permit, create };
}

function bind(create: BreakerEngineFactory['create'], state = new KeyedStateStore().hold(), rule = RULE) {
  return circuitBreakerStage.bind(
    scope({ policy: { circuitBreaker: rule }, engines: { breaker: { create } }, state }),
  )!;
}

describe('the stage', () => {
  test('no rule, no stage; a rule without an engine is an error that says so', () => {
    expect(circuitBreakerStage.bind(scope())).toBeUndefined();
    expect(() => circuitBreakerStage.bind(scope({ policy: { circuitBreaker: RULE } }))).toThrow(
      /outbound\|20880\|v1\|demo has a circuitBreaker policy, which needs an engine/,
    );
  });

  test('asks before and tells after, with the same permit', () => {
    const { engine, permit, create } = setUp();
    const gate = bind(create);
    const attempt = new FakeAttempt();
    expect(gate.before(attempt)).toBeUndefined();
    gate.settled(attempt, reply());
    expect(engine.settle.mock.calls).toEqual([[permit, 'ok', attempt.pass.call.now]]);
  });

  test('refuses while the circuit is open, saying when to come again', () => {
    const { engine, create } = setUp();
    const gate = bind(create);
    engine.admit.mockReturnValue(undefined);
    engine.probeInMs = 1200.4;
    const refusal = gate.before(new FakeAttempt()) as Failure;
    expect(refusal).toMatchObject({ code: 'CIRCUIT_OPEN', sent: 'no', role: 'circuit-breaker' });
    expect(refusal.message).toContain('outbound|20880|v1|demo failed, the next probe may go in 1201 ms');
    engine.probeInMs = undefined;
    expect((gate.before(new FakeAttempt()) as Failure).message).toContain('a probe is under way');
  });

  test('a push of other rules keeps the breaker, a changed rule gets its own, and the last to leave closes it', () => {
    const { engine, create } = setUp();
    const store = new KeyedStateStore();
    const first = store.hold();
    const second = store.hold();
    bind(create, first);
    bind(create, second);
    expect(create).toHaveBeenCalledTimes(1);
    bind(create, store.hold(), { ...RULE, openMs: 1 });
    expect(create).toHaveBeenCalledTimes(2);
    first.release();
    expect(engine.close).not.toHaveBeenCalled();
    second.release();
    expect(engine.close).toHaveBeenCalledTimes(1);
  });

  test('changes of state are reported with the name of the cluster', () => {
    const { create } = setUp();
    const onBreaker = jest.fn();
    const engines = { breaker: { create } };
    circuitBreakerStage.bind({ ...scope({ policy: { circuitBreaker: RULE }, engines }), onBreaker });
    create.mock.calls[0]![1]!('open');
    expect(onBreaker.mock.calls).toEqual([['outbound|20880|v1|demo', 'open']]);
  });
});

describe('what an outcome tells the breaker', () => {
  test.each<[string, Outcome, string]>([
    ['a reply', reply('ok'), 'ok'],
    ['an exception of the business', reply('business'), 'ok'],
    ['an error of the framework', reply('framework'), 'failed'],
    ['a rejection', reply('rejected'), 'ignored'],
    ['a written one-way request', WRITTEN, 'ignored'],
    ['a silent attempt', new Failure('ATTEMPT_TIMEOUT', { sent: 'yes' }), 'failed'],
    ['a silent attempt after a stall of ours', new Failure('ATTEMPT_TIMEOUT', { sent: 'yes', stallMs: 80 }), 'ignored'],
    ['the deadline of a sent request', new Failure('DEADLINE', { sent: 'maybe' }), 'failed'],
    ['the deadline in our own queue', new Failure('DEADLINE'), 'ignored'],
    ['a caller who left', new Failure('CANCELLED', { sent: 'yes' }), 'ignored'],
    ['a full queue', new Failure('OVERFLOW'), 'ignored'],
    ["a neighbour's loss", new Failure('COLLATERAL', { sent: 'yes' }), 'ignored'],
    ['no connection', new Failure('CONNECT_FAILED'), 'failed'],
    ['a lost connection', new Failure('CONNECTION_LOST', { sent: 'maybe' }), 'failed'],
    ['bytes that are no reply', new Failure('BAD_REPLY', { sent: 'yes' }), 'failed'],
  ])('%s: %s', (_name, outcome, expected) => {
    expect(breakerResult(outcome)).toBe(expected);
  });

  test('of every sent failure, what the table says', () => {
    for (const code of Object.keys(FAILURES) as FailureCode[]) {
      const expected = FAILURES[code].breaks ? 'failed' : 'ignored';
      expect([code, breakerResult(new Failure(code, { sent: 'yes' }))]).toEqual([code, expected]);
    }
  });
});
