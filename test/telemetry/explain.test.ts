import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Call, Failure, type Outcome } from '../../src/call/index.js';
import { Message } from '../../src/message/index.js';
import { CallRecorder, describeCall, explainCall } from '../../src/telemetry/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { call, FakeAttempt, FakePass, message, PROTOCOL, reply } from '../policy/support.js';

function attempted(pass: FakePass, address: string | undefined, startedAt: number, tookMs: number, outcome: Outcome) {
  const attempt = new FakeAttempt(pass);
  if (address !== undefined) attempt.target = { address, release() {} };
  attempt.startedUs = (startedAt - pass.call.startedAt) * 1000;
  attempt.tookUs = tookMs * 1000;
  attempt.outcome = outcome;
  attempt.sent = outcome instanceof Failure ? outcome.sent : 'yes';
  return attempt;
}

/** A call at 1,000 that timed out at one endpoint and was refused by the breaker after. */
function troubled() {
  const pass = new FakePass(call(message({ method: 'sayHello', token: 'hunter2' })));
  pass.call.startedAt = 1000;
  pass.call.draw = 0.25;
  const first = attempted(pass, '10.0.0.1:20880', 1000.5, 100, new Failure('ATTEMPT_TIMEOUT', { sent: 'yes' }));
  first.unreachable = [{ address: '10.0.0.9:20880', release() {} }];
  const open = new Failure('CIRCUIT_OPEN', { reason: 'circuit of outbound|20880|v1|demo is open', stallMs: 25 });
  const second = attempted(pass, undefined, 1110, 0.01, open);
  second.refusedBy = 'circuit-breaker';
  const ended = { call: pass.call, service: 'demo_20880', pass, outcome: open, durationMs: 110.25 };
  return { ...ended, startedAt: 1_704_067_200_000 };
}

describe('explain', () => {
  test('a call in words', () => {
    expect(explainCall(describeCall(troubled(), { keys: ['method', 'token', 'none'] }))).toEqual([
      '2024-01-01T00:00:00.000Z test Demo/sayHello to demo:20880: CIRCUIT_OPEN: circuit of outbound|20880|v1|demo is open [UO] after 110.250 ms',
      "service demo_20880, route 'r1', cluster outbound|20880|v1|demo (draw 0.2500)",
      'our own event loop was stalled for 25.000 ms: no upstream is blamed',
      'method: <8 characters>',
      'token: <7 characters>',
      'none: <none>',
      'attempt 1 at 10.0.0.1:20880, after 10.0.0.9:20880 could not be reached, from 0.500 ms on: ' +
        'ATTEMPT_TIMEOUT: the attempt was not answered in time [UT] after 100.000 ms (sent: yes)',
      'attempt 2 without an endpoint, from 110.000 ms on: CIRCUIT_OPEN: circuit of outbound|20880|v1|demo is open [UO] ' +
        'after 0.010 ms, refused by circuit-breaker (sent: no)',
    ]);
  });

  test('attribute values only if asked for, and no message is kept', () => {
    const ended = troubled();
    expect(describeCall(ended).attributes).toEqual([]);
    expect(describeCall(ended, { keys: ['method'], values: true }).attributes).toEqual([['method', 'sayHello']]);
    expect(JSON.stringify(describeCall(ended))).not.toContain('hunter2');
    const plain = structuredClone(describeCall(ended));
    expect(plain).toEqual(describeCall(ended));
  });

  test('a call without a route, one whose bytes cannot be read, and one of very many attempts', () => {
    const reader = {
      operation: () => {
        throw new RangeError('cut short');
      },
      get: () => {
        throw new RangeError('cut short');
      },
      keys: () => [],
    };
    const broken = new Call(
      new Message('request', [], reader),
      PROTOCOL,
      { host: 'h', port: 1 },
      { reply() {}, fail() {} },
    );
    const outcome = new Failure('NO_ROUTE', { role: 'match', reason: `nothing matches ${'x'.repeat(1000)}\u001b[2J` });
    const ended = { call: broken, service: 'h_1', pass: undefined, outcome, startedAt: 0, durationMs: 0.1 };
    const record = describeCall(ended, { keys: ['a'] });
    expect(record).toMatchObject({
      operation: '<unreadable>',
      attributes: [['a', '<unreadable>']],
      refusedBy: 'match',
    });
    expect(record.reason!.length).toBeLessThan(410);
    expect(explainCall(record).slice(1)).toEqual(['service h_1: no route', 'refused by match', 'a: <unreadable>']);

    const many = new FakePass();
    for (let i = 0; i < 40; i++) attempted(many, '10.0.0.1:1', 0, 1, new Failure('CONNECTION_LOST'));
    const lines = explainCall(describeCall({ ...ended, call: many.call, pass: many }));
    expect(lines.filter((line) => line.startsWith('attempt '))).toHaveLength(16);
    expect(lines).toContain('24 earlier attempts are not shown');
  });
});

describe('recorder', () => {
  function record(recorder: CallRecorder, runtime: ManualRuntime, outcome: Outcome, tookMs = 1, name = 'op'): void {
    const pass = new FakePass(call(message({}, 'request', name)));
    pass.call.startedAt = runtime.now() - tookMs;
    pass.call.now = runtime.now();
    recorder.ended(pass.call, 's', pass, outcome);
  }

  test('keeps the last 1,000 failures, newest first; not what callers gave up, nor answers', () => {
    const runtime = new ManualRuntime();
    const recorder = new CallRecorder(runtime);
    for (let i = 0; i < 2345; i++) {
      record(recorder, runtime, new Failure('DEADLINE'), 1, `op ${i}`);
      record(recorder, runtime, new Failure('CANCELLED'));
      record(recorder, runtime, reply('business'));
      runtime.advance(5);
    }
    record(recorder, runtime, reply('framework'), 1, 'last');
    const kept = recorder.failures().map((one) => one.operation);
    expect(kept).toEqual(['last', ...Array.from({ length: 999 }, (_, i) => `op ${2344 - i}`)]);
  });

  test('in a storm records 200 a second and counts the rest', () => {
    const runtime = new ManualRuntime();
    const recorder = new CallRecorder(runtime);
    for (let i = 0; i < 500; i++) record(recorder, runtime, new Failure('CIRCUIT_OPEN'));
    expect([recorder.failures().length, recorder.skipped]).toEqual([200, 300]);
    runtime.advance(1000);
    record(recorder, runtime, new Failure('CIRCUIT_OPEN'));
    expect([recorder.failures().length, recorder.skipped]).toEqual([201, 300]);
  });

  test('keeps the 50 slowest, whatever the order, and forgets them within ten minutes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 200 }), (durations) => {
        const runtime = new ManualRuntime();
        const recorder = new CallRecorder(runtime);
        const slowest = () => recorder.slowest().map((one) => one.durationMs);
        for (const tookMs of durations) record(recorder, runtime, reply(), tookMs);
        const expected = [...durations].sort((a, b) => b - a).slice(0, 50);
        expect(slowest()).toEqual(expected);
        runtime.advance(5 * 60_000);
        record(recorder, runtime, reply(), 2000);
        expect(slowest()).toEqual([2000, ...expected]);
        runtime.advance(5 * 60_000);
        expect(slowest()).toEqual([2000]);
        runtime.advance(10 * 60_000);
        expect(slowest()).toEqual([]);
      }),
    );
  });
});
