import { expect, test } from '@jest/globals';
import { Call, Failure, type Outcome, Reply } from '../../src/call/index.js';
import { RoutedPass, RoutePlan } from '../../src/pipeline/index.js';
import type { Fallback } from '../../src/policy/index.js';
import { bench, clusterRule, message, protocol, Sink } from './support.js';

const OTHER = 'outbound|1|stale|demo';

/** A plan that falls back to another, both served by the same upstream. */
function setUp() {
  const { upstream, runtime, plan } = bench();
  const fallback: Fallback = { recover: () => OTHER };
  const second = plan();
  const { route, policy, slots, meter } = plan({ fallback });
  const first = new RoutePlan(
    runtime,
    route,
    clusterRule,
    policy,
    slots,
    meter,
    null,
    undefined,
    undefined,
    () => second,
  );
  const call = new Call(message(), protocol, { host: 'demo', port: 1 }, new Sink());
  const outcomes: Outcome[] = [];
  const pass = new RoutedPass(call, first, { passEnded: (_pass, outcome) => outcomes.push(outcome) });
  pass.call.now = runtime.now();
  pass.start();
  return { upstream, runtime, call, pass, outcomes, second };
}

test('the second pass is the newest of its call, and its answer the answer', () => {
  const { upstream, call, outcomes, second } = setUp();
  upstream.sent[0]!.lost(new Failure('CONNECTION_LOST'));
  expect(outcomes).toEqual([]);
  expect((call.pass as RoutedPass).plan).toBe(second);
  upstream.sent[1]!.replied(message('response'));
  expect(outcomes[0]).toBeInstanceOf(Reply);
});

test('who ends the first pass meanwhile ends the second', () => {
  const { upstream, pass, outcomes } = setUp();
  upstream.sent[0]!.lost(new Failure('CONNECTION_LOST'));
  pass.end(new Failure('CANCELLED'));
  expect(upstream.abandoned).toEqual([upstream.sent[1]]);
  expect(outcomes.map((it) => (it as Failure).code)).toEqual(['CANCELLED']);
});

test('with no time left there is no second pass, and the first failure stands', () => {
  const { upstream, runtime, call, pass, outcomes } = setUp();
  call.deadlineAt = runtime.now() + 10;
  runtime.advance(10);
  pass.end(new Failure('DEADLINE', { sent: 'maybe', reason: 'no reply' }));
  expect(upstream.sent).toHaveLength(1);
  expect(outcomes).toHaveLength(1);
  expect(outcomes[0]).toMatchObject({ code: 'DEADLINE', sent: 'maybe', message: 'DEADLINE: no reply' });
});
