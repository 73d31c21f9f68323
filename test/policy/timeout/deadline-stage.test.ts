import { describe, expect, test } from '@jest/globals';
import { Failure } from '../../../src/call/index.js';
import { deadlineStage } from '../../../src/policy/timeout/index.js';
import { call, FakeAttempt, FakePass, type ScopeOptions, scope } from '../support.js';

function setUp(options: ScopeOptions = {}) {
  const within = scope(options);
  const bound = deadlineStage.bind(within)!;
  const pass = new FakePass(call());
  pass.timed = bound;
  pass.call.startedAt = within.runtime.now();
  const gate: typeof bound = {
    before(of) {
      of.call.now = within.runtime.now(); // as the runner does
      return bound.before(of);
    },
    settled: (of, outcome) => bound.settled(of, outcome),
  };
  return { gate, pass, runtime: within.runtime };
}

function failureOf(pass: FakePass): Failure {
  if (!(pass.outcome instanceof Failure)) throw new Error('the pass has not failed');
  return pass.outcome;
}

describe('deadline', () => {
  test('without one, no timer is armed', () => {
    const { gate, pass, runtime } = setUp();
    expect(gate.before(pass)).toBeUndefined();
    expect(runtime.pending).toBe(0);
    gate.settled(pass, new Failure('CANCELLED'));
  });

  test('the route tightens what wire and caller set', () => {
    const { gate, pass, runtime } = setUp({ policy: { timeoutMs: 100 } });
    pass.call.deadlineAt = runtime.now() + 500;
    gate.before(pass);
    expect(pass.call.deadlineAt).toBe(runtime.now() + 100);
  });

  test('the route never loosens it', () => {
    const { gate, pass, runtime } = setUp({ policy: { timeoutMs: 500 } });
    pass.call.deadlineAt = runtime.now() + 100;
    gate.before(pass);
    runtime.advance(100);
    expect(pass.settled).toBe(true);
  });

  test('ends the pass at that moment and not before, saying what the upstream may have seen', () => {
    const { gate, pass, runtime } = setUp({ policy: { timeoutMs: 100 } });
    gate.before(pass);
    new FakeAttempt(pass).sent = 'maybe';
    runtime.advance(99);
    expect(pass.settled).toBe(false);
    runtime.advance(1);
    const failure = failureOf(pass);
    expect(failure).toMatchObject({ code: 'DEADLINE', sent: 'maybe', role: 'deadline', stallMs: 0 });
    expect(failure.message).toBe(
      'DEADLINE: no reply from outbound|20880|v1|demo within the 100 ms of the call (attempt 1)',
    );
  });

  test('what waits without having been tried was not sent', () => {
    const { gate, pass, runtime } = setUp({ policy: { timeoutMs: 100 } });
    gate.before(pass);
    runtime.advance(100);
    expect(failureOf(pass).sent).toBe('no');
  });

  test('a call whose moment has passed is not started', () => {
    const { gate, pass, runtime } = setUp();
    pass.call.deadlineAt = runtime.now() + 50;
    runtime.advance(50);
    const verdict = gate.before(pass);
    expect(verdict).toMatchObject({ code: 'DEADLINE', sent: 'no' });
    expect(runtime.pending).toBe(0);
  });

  test('a second pass gets what time is left', () => {
    const { gate, pass, runtime } = setUp({ policy: { timeoutMs: 100 } });
    gate.before(pass);
    runtime.advance(60);
    gate.settled(pass, new Failure('CIRCUIT_OPEN'));
    const second = new FakePass(pass.call);
    second.timed = pass.timed;
    gate.before(second);
    runtime.advance(39);
    expect(second.settled).toBe(false);
    runtime.advance(1);
    expect(second.settled).toBe(true);
    expect(pass.settled).toBe(false);
  });

  test('a settled pass leaves no timer behind', () => {
    const { gate, pass, runtime } = setUp({ policy: { timeoutMs: 100 } });
    gate.before(pass);
    expect(runtime.referenced).toBe(1);
    gate.settled(pass, new Failure('CANCELLED'));
    expect(runtime.pending).toBe(0);
  });

  test('an expiry after a stall of the event loop says so', () => {
    const { gate, pass, runtime } = setUp({ policy: { timeoutMs: 100 } });
    gate.before(pass);
    runtime.stall(250);
    runtime.advance(0);
    expect(failureOf(pass).stallMs).toBe(150);
  });
});
