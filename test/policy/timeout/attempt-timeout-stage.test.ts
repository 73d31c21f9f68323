import { describe, expect, test } from '@jest/globals';
import { Failure } from '../../../src/call/index.js';
import { attemptTimeoutStage } from '../../../src/policy/timeout/index.js';
import { FakeAttempt, scope } from '../support.js';

function setUp(attemptTimeoutMs: number) {
  const within = scope({ policy: { attemptTimeoutMs } });
  const bound = attemptTimeoutStage.bind(within)!;
  const gate: typeof bound = {
    before(of) {
      of.pass.call.now = within.runtime.now(); // as the runner does
      return bound.before(of);
    },
    settled: (of, outcome) => bound.settled(of, outcome),
  };
  const attempt = new FakeAttempt();
  attempt.timed = bound;
  return { gate, runtime: within.runtime, attempt };
}

describe('attempt timeout', () => {
  test('no rule, no stage', () => {
    expect(attemptTimeoutStage.bind(scope())).toBeUndefined();
  });

  test('ends the attempt, naming the endpoint and what was sent', () => {
    const { gate, runtime, attempt } = setUp(50);
    attempt.target = { address: '10.0.0.1:20880', release() {} };
    attempt.sent = 'yes';
    gate.before(attempt);
    runtime.advance(49);
    expect(attempt.settled).toBe(false);
    runtime.advance(1);
    expect(attempt.outcome).toMatchObject({ code: 'ATTEMPT_TIMEOUT', sent: 'yes', stallMs: 0 });
    expect((attempt.outcome as Failure).message).toContain('10.0.0.1:20880 within 50 ms');
  });

  test('counts from its own start, not from the call', () => {
    const { gate, runtime, attempt } = setUp(50);
    attempt.pass.call.startedAt = runtime.now();
    runtime.advance(40);
    gate.before(attempt);
    runtime.advance(49);
    expect(attempt.settled).toBe(false);
    runtime.advance(1);
    expect(attempt.settled).toBe(true);
  });

  test.each([50, 49])('arms nothing where the deadline comes first or at once (%i ms left)', (leftMs) => {
    const { gate, runtime, attempt } = setUp(50);
    attempt.pass.call.deadlineAt = runtime.now() + leftMs;
    gate.before(attempt);
    expect(runtime.pending).toBe(0);
    gate.settled(attempt, new Failure('DEADLINE'));
  });

  test('a settled attempt leaves no timer behind', () => {
    const { gate, runtime, attempt } = setUp(50);
    gate.before(attempt);
    expect(runtime.pending).toBe(1);
    gate.settled(attempt, new Failure('CANCELLED'));
    expect(runtime.pending).toBe(0);
  });

  test('an expiry after a stall of the event loop says so', () => {
    const { gate, runtime, attempt } = setUp(50);
    gate.before(attempt);
    runtime.stall(250);
    runtime.advance(0);
    expect(attempt.outcome).toMatchObject({ stallMs: 200 });
  });
});
