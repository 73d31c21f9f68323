import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FAILURES, Failure, type FailureCode, type Outcome, type Sent, WRITTEN } from '../../../src/call/index.js';
import { KeyedStateStore } from '../../../src/policy/index.js';
import { fullJitter, retryStage } from '../../../src/policy/retry/index.js';
import type { RetryRule } from '../../../src/rules/index.js';
import { call, FakeAttempt, FakePass, message, reply, type ScopeOptions, scope } from '../support.js';

const RULE: RetryRule = {
  attempts: 2,
  backoffBaseMs: 25,
  backoffMaxMs: 250,
  idempotent: [],
  budget: { percent: 20, minPerSecond: 10, ttlMs: 10_000 },
};

function setUp(rule: Partial<RetryRule> = {}, options: ScopeOptions = {}) {
  const within = scope({ policy: { retry: { ...RULE, ...rule } }, ...options });
  return { policy: retryStage.bind(within)!, runtime: within.runtime };
}

function retries(rule: Partial<RetryRule>, outcome: Outcome, of = call()): boolean {
  const pass = new FakePass(of);
  return setUp(rule).policy.again(pass, new FakeAttempt(pass), outcome) >= 0;
}

const lost = (sent: Sent) => new Failure('CONNECTION_LOST', { sent });

describe('what is tried again', () => {
  test.each<[string, Outcome, boolean, boolean]>([
    ['an unsent request', lost('no'), true, true],
    ['one that perhaps was sent', lost('maybe'), false, true],
    ['one that surely was', lost('yes'), false, true],
    ['a silent attempt', new Failure('ATTEMPT_TIMEOUT', { sent: 'yes' }), false, true],
    ["a neighbour's loss", new Failure('COLLATERAL', { sent: 'maybe' }), false, true],
    ['no connection', new Failure('CONNECT_FAILED'), true, true],
    ['no endpoint', new Failure('NO_ENDPOINT'), true, true],
    ['bytes that are no reply', new Failure('BAD_REPLY', { sent: 'yes' }), false, false],
    ['an open circuit', new Failure('CIRCUIT_OPEN'), false, false],
    ['a full cluster', new Failure('OVERFLOW'), false, false],
    ['the deadline', new Failure('DEADLINE'), false, false],
    ['a caller who left', new Failure('CANCELLED'), false, false],
    ['a reply', reply('ok'), false, false],
    ['an exception of the business', reply('business'), false, false],
    ['an error of the framework', reply('framework'), false, true],
    ['a rejection', reply('rejected'), true, true],
  ])('%s', (_name, outcome, byDefault, ifIdempotent) => {
    expect(retries({}, outcome)).toBe(byDefault);
    expect(retries({ idempotent: true }, outcome)).toBe(ifIdempotent);
  });

  test('no failure of the table is retried against its own word', () => {
    for (const code of Object.keys(FAILURES) as FailureCode[]) {
      for (const sent of ['no', 'maybe', 'yes'] as const) {
        const word = FAILURES[code].retry;
        const outcome = new Failure(code, { sent });
        expect([code, sent, retries({}, outcome)]).toEqual([code, sent, word !== 'never' && sent === 'no']);
        const idempotent = word === 'idempotent' || (word === 'unsent' && sent === 'no');
        expect([code, sent, retries({ idempotent: true }, outcome)]).toEqual([code, sent, idempotent]);
      }
    }
  });

  test.each([
    [['Demo/sayHello'], true],
    [['sayHello'], true],
    [['Demo'], false],
    [['sayhello'], false],
  ])('an operation is idempotent by its whole name or its method: %j', (idempotent, expected) => {
    expect(retries({ idempotent }, lost('yes'))).toBe(expected);
  });

  test('an operation without an owner has its own name', () => {
    expect(retries({ idempotent: ['GET'] }, lost('yes'), call(message({}, 'request', 'GET')))).toBe(true);
  });

  test('a one-way call only if it was never sent', () => {
    const oneway = () => call(message({}, 'oneway'));
    expect(retries({ idempotent: true }, lost('no'), oneway())).toBe(true);
    expect(retries({ idempotent: true }, lost('maybe'), oneway())).toBe(false);
    expect(retries({ idempotent: true }, WRITTEN, oneway())).toBe(false);
  });
});

describe('how often', () => {
  test('no rule or no attempts, no stage', () => {
    expect(retryStage.bind(scope())).toBeUndefined();
    expect(retryStage.bind(scope({ policy: { retry: { ...RULE, attempts: 0 } } }))).toBeUndefined();
  });

  test('as many retries after the first attempt as the rule says', () => {
    const { policy } = setUp({ attempts: 2 });
    const pass = new FakePass();
    const granted = [1, 2, 3].map((number) => policy.again(pass, new FakeAttempt(pass, number), lost('no')) >= 0);
    expect(granted).toEqual([true, true, false]);
  });

  test('within the budget, which calls fill', () => {
    const { policy, runtime } = setUp({ budget: { percent: 50, minPerSecond: 0, ttlMs: 1000 } });
    const pass = new FakePass();
    pass.call.startedAt = runtime.now();
    const attempt = new FakeAttempt(pass);
    policy.deposit(pass);
    expect(policy.again(pass, attempt, lost('no'))).toBe(-1);
    policy.deposit(pass);
    expect(policy.again(pass, attempt, lost('no'))).toBeGreaterThanOrEqual(0);
    expect(policy.again(pass, attempt, lost('no'))).toBe(-1);
  });

  test('what is not retried for another reason costs no budget', () => {
    const { policy } = setUp({ budget: { percent: 0, minPerSecond: 1, ttlMs: 1000 } });
    const pass = new FakePass();
    expect(policy.again(pass, new FakeAttempt(pass), lost('yes'))).toBe(-1);
    expect(policy.again(pass, new FakeAttempt(pass, 9), lost('no'))).toBe(-1);
    expect(policy.again(pass, new FakeAttempt(pass, 1), lost('no'))).toBeGreaterThanOrEqual(0);
  });

  test('routes to a cluster share its budget, and a push leaves it as it is', () => {
    const state = new KeyedStateStore();
    const budget = { percent: 0, minPerSecond: 1, ttlMs: 1000 };
    const pass = new FakePass();
    const first = setUp({ budget }, { state: state.hold() }).policy;
    expect(first.again(pass, new FakeAttempt(pass, 1), lost('no'))).toBeGreaterThanOrEqual(0);
    const other = setUp({ budget, backoffBaseMs: 1 }, { state: state.hold(), route: { name: 'r2' } }).policy;
    expect(other.again(pass, new FakeAttempt(pass, 1), lost('no'))).toBe(-1);
  });

  test('no more at once than the cluster allows, and the end of one lets in another', () => {
    const limits = { maxConnections: 1, maxPendingRequests: 1, maxRequests: 1, maxRetries: 1 };
    const { policy } = setUp({}, { cluster: { limits } });
    const pass = new FakePass();
    const attempt = new FakeAttempt(pass);
    expect(policy.again(pass, attempt, lost('no'))).toBeGreaterThanOrEqual(0);
    expect(policy.again(pass, attempt, lost('no'))).toBe(-1);
    policy.ended(pass);
    expect(policy.again(pass, attempt, lost('no'))).toBeGreaterThanOrEqual(0);
  });
});

describe('the pause', () => {
  test('must end before the deadline', () => {
    const { policy, runtime } = setUp({ backoffBaseMs: 100, backoffMaxMs: 100 });
    const pass = new FakePass();
    const attempt = new FakeAttempt(pass);
    pass.call.deadlineAt = runtime.now() + 1e-6;
    expect(policy.again(pass, attempt, lost('no'))).toBe(-1);
    pass.call.deadlineAt = runtime.now() + 100;
    expect(policy.again(pass, attempt, lost('no'))).toBeGreaterThanOrEqual(0);
  });

  test('is drawn from an interval that doubles up to its maximum', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), chance, (retry, drawn) => {
        const pause = fullJitter(25, 250, retry, drawn);
        expect(pause).toBeGreaterThanOrEqual(0);
        expect(pause).toBeLessThanOrEqual(250);
        if (retry === 1) expect(pause).toBe(drawn * 25);
        if (retry === 2) expect(pause).toBe(drawn * 50);
        if (retry > 4) expect(pause).toBe(drawn * 250);
      }),
    );
  });
});
