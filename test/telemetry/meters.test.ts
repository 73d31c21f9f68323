import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Attempt } from '../../src/call/index.js';
import { Failure, type FailureCode, type Outcome, Reply, WRITTEN } from '../../src/call/index.js';
import { Message, type ReplyStatus } from '../../src/message/index.js';
import type { Gate } from '../../src/policy/index.js';
import type { HistogramSnapshot } from '../../src/runtime/index.js';
import { AttemptTelemetryGate, Meters, NO_ROUTE, OUTCOMES, outcomeName, snapshot } from '../../src/telemetry/index.js';
import { attempt as attemptOf, endpointRule, testCluster } from '../cluster/support.js';
import { call, FakeAttempt, FakePass, reply } from '../policy/support.js';

function sized(bytes: number): Message {
  const reader = { operation: () => 'op', get: () => undefined, keys: () => [] };
  return new Message('response', [Buffer.alloc(bytes)], reader);
}

/** `name{labels without the constant ones}` to value, zeros left out. */
function values(meters: Meters): Record<string, number> {
  const found: Record<string, number> = {};
  for (const metric of snapshot(meters)) {
    for (const { labels, value } of metric.samples) {
      const key = `${metric.name} ${Object.values(labels).join(' ')}`;
      const number = typeof value === 'number' ? value : value.count;
      if (number !== 0) found[key] = number;
    }
  }
  return found;
}

describe('meters', () => {
  test('a route counts its calls by outcome, with bytes, retries, refusals, stalls and durations', () => {
    const meters = new Meters();
    const route = meters.route('demo_20880', 'v2', 'outbound');
    const request = call(sized(100));
    route.settled(request, new Reply(sized(40)), 1500, 3);
    route.settled(request, reply('business'), 1000, 1);
    route.settled(request, new Failure('RATE_LIMITED'), 10, 0, 'rate-limit');
    route.settled(request, new Failure('DENIED'), 10, 0, 'somebody new');
    route.settled(request, new Failure('DEADLINE', { stallMs: 30 }), 100_000, 1);
    const who = 'source demo_20880 v2';
    expect(values(meters)).toEqual({
      [`requests_total ${who} ok 0 -`]: 1,
      [`requests_total ${who} business 0 -`]: 1,
      [`requests_total ${who} RATE_LIMITED 1 RL`]: 1,
      [`requests_total ${who} DENIED 1 RBAC`]: 1,
      [`requests_total ${who} DEADLINE 1 DT`]: 1,
      [`request_duration_milliseconds ${who}`]: 5,
      [`request_bytes_total ${who}`]: 500,
      [`response_bytes_total ${who}`]: 40,
      [`requests_refused_total ${who} rate-limit`]: 1,
      [`requests_refused_total ${who} other`]: 1,
      [`request_retries_total ${who}`]: 2,
      [`requests_stalled_total ${who}`]: 1,
    });
    const durations = snapshot(meters).find((metric) => metric.name === 'request_duration_milliseconds')!;
    expect((durations.samples[0]!.value as HistogramSnapshot).sumMs).toBeCloseTo(102.52, 6);
  });

  test('every outcome is counted as itself', () => {
    const replies = ['ok', 'business', 'framework', 'rejected'] as const satisfies ReplyStatus[];
    const all: Outcome[] = [
      ...replies.map((status) => reply(status)),
      WRITTEN,
      ...OUTCOMES.slice(5).map((code) => new Failure(code as FailureCode)),
    ];
    expect(all.map(outcomeName)).toEqual(OUTCOMES);
    fc.assert(
      fc.property(fc.array(fc.nat(all.length - 1), { maxLength: 50 }), (picks) => {
        const meters = new Meters();
        const route = meters.route('s', NO_ROUTE, 'inbound');
        const naive: Record<string, number> = {};
        for (const pick of picks) {
          route.settled(call(), all[pick]!, 1, 1);
          const name = OUTCOMES[pick]!;
          naive[name] = (naive[name] ?? 0) + 1;
        }
        const [requests] = snapshot(meters);
        expect(Object.fromEntries(requests!.samples.map((s) => [s.labels.outcome, s.value]))).toEqual(naive);
      }),
    );
  });

  test('a meter is shared by those who ask for the same, and gone with the last of them; late counts go nowhere', () => {
    const meters = new Meters();
    const old = meters.route('s', 'r', 'outbound');
    expect(meters.route('s', 'r', 'inbound')).not.toBe(old);
    const young = meters.route('s', 'r', 'outbound');
    expect(young).toBe(old);
    old.close();
    young.settled(call(), reply(), 1, 1);
    expect(values(meters)['requests_total source s r ok 0 -']).toBe(1);
    young.close();
    young.close();
    expect([...meters.routes()].map((meter) => meter.reporter)).toEqual(['destination']);
    const next = meters.route('s', 'r', 'outbound');
    old.settled(call(), reply(), 1, 1);
    expect(next.byOutcome(0)).toBe(0);
    next.settled(call(), reply(), 1, 1);
    expect(next.byOutcome(0)).toBe(1);
  });

  test('rules that come and go for months cost no memory', () => {
    const meters = new Meters();
    for (let i = 0; i < 5000; i++) {
      const route = meters.route(`service ${i}`, 'r', 'outbound');
      const cluster = meters.cluster(`cluster ${i}`);
      const endpoint = cluster.endpoint('10.0.0.1:1');
      route.settled(call(), reply(), 1, 1);
      endpoint.settled(reply());
      for (const meter of [route, cluster, endpoint]) meter.close();
    }
    expect(meters.bytes).toBe(32_768);
    expect(snapshot(meters).flatMap((metric) => metric.samples)).toEqual([]);
  });

  test('a service shows what is under way', () => {
    const meters = new Meters();
    const service = meters.service('demo_20880', 'inbound');
    service.started();
    service.started();
    service.ended();
    expect(values(meters)).toEqual({ 'requests_active destination demo_20880': 1 });
  });
});

describe('attempt telemetry', () => {
  const CLUSTER = 'outbound|20880||demo';

  function gateOf(meters: Meters): Gate<Attempt> & AttemptTelemetryGate {
    return new AttemptTelemetryGate(meters.cluster(CLUSTER));
  }

  test('counts attempts for cluster and endpoint', () => {
    const meters = new Meters();
    const gate = gateOf(meters);
    const { cluster } = testCluster();
    cluster.setEndpoints([endpointRule(1)]);
    const outcomes = [
      new Failure('ATTEMPT_TIMEOUT'),
      reply(),
      reply('framework'),
      new Failure('CONNECTION_LOST'),
      new Failure('CANCELLED'),
    ];
    const pass = new FakePass();
    for (const outcome of outcomes) {
      const attempt = new FakeAttempt(pass);
      attempt.target = cluster.pick(attempt);
      attempt.tookUs = 3000;
      gate.before(attempt);
      expect(values(meters)[`upstream_rq_active ${CLUSTER}`]).toBe(1);
      gate.settled(attempt, outcome);
    }
    gate.refused('circuit-breaker');
    expect(values(meters)).toEqual({
      [`upstream_rq_total ${CLUSTER} ATTEMPT_TIMEOUT 1 UT`]: 1,
      [`upstream_rq_total ${CLUSTER} ok 0 -`]: 1,
      [`upstream_rq_total ${CLUSTER} framework 1 -`]: 1,
      [`upstream_rq_total ${CLUSTER} CONNECTION_LOST 1 UC`]: 1,
      [`upstream_rq_total ${CLUSTER} CANCELLED 1 DC`]: 1,
      [`upstream_rq_time ${CLUSTER}`]: 5,
      [`upstream_rq_refused ${CLUSTER} circuit-breaker`]: 1,
      [`upstream_rq_retry ${CLUSTER}`]: 4,
      [`upstream_rq_retry_success ${CLUSTER}`]: 1,
      [`rq_success ${CLUSTER} 10.0.0.1:20880`]: 1,
      [`rq_error ${CLUSTER} 10.0.0.1:20880`]: 2,
      [`rq_timeout ${CLUSTER} 10.0.0.1:20880`]: 1,
      [`rq_cancelled ${CLUSTER} 10.0.0.1:20880`]: 1,
    });
  });

  test("an endpoint's counters go with its last attempt, whose outcome may come even later", () => {
    const meters = new Meters();
    const gate = gateOf(meters);
    const { cluster } = testCluster();
    cluster.setEndpoints([endpointRule(1), endpointRule(2)]);
    const attempts = [attemptOf(), attemptOf()];
    for (const attempt of attempts) {
      attempt.target = cluster.pick(attempt);
      gate.before(attempt);
    }
    expect([...meters.endpoints()]).toHaveLength(2);
    cluster.setEndpoints([]);
    expect([...meters.endpoints()]).toHaveLength(2);
    for (const attempt of attempts) {
      attempt.target!.release();
      gate.settled(attempt, reply());
    }
    expect([...meters.endpoints()]).toEqual([]);
    cluster.setEndpoints([endpointRule(1)]);
    const again = attemptOf();
    again.target = cluster.pick(again);
    gate.before(again);
    expect(values(meters)[`rq_success ${CLUSTER} 10.0.0.1:20880`]).toBeUndefined();
    gate.settled(again, reply());
    expect(values(meters)[`rq_success ${CLUSTER} 10.0.0.1:20880`]).toBe(1);
  });
});
