import { describe, expect, test } from '@jest/globals';
import { FAILURES } from '../../../../src/call/index.js';
import { DEFAULT_FALLBACK_CODES } from '../../../../src/policy/fallback/index.js';
import { findings, metaRouter, rulesOf, serviceEntry } from './support.js';

const policy = (name: string, refs: string, spec: string, time?: string) => `
---
apiVersion: meltemi.dev/v1alpha1
kind: TrafficPolicy
metadata: { name: ${name}, namespace: demo${time === undefined ? '' : `, creationTimestamp: ${time}`} }
spec:
  targetRefs: [${refs}]
  ${spec}`;

const virtualService = (http: string, host = 'a.demo') => `
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: v, namespace: demo }
spec: { hosts: [${host}], http: [${http}] }`;

const subsets = `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a, namespace: demo }
spec: { host: a.demo, subsets: [{ name: v1 }] }`;

const router = metaRouter(
  'a.demo',
  '  routes: [{ name: one, route: [{ destination: { host: a.demo, subset: v1 } }] }, { name: two, route: [{ destination: { host: a.demo } }] }]',
).replaceAll('name: one,', 'name: one, match: { attributes: { method: { exact: x } } },');
const shop = serviceEntry('a.demo') + subsets + router;
const CLUSTER = 'outbound|20880|v1|a.demo';

test('everything that it says, in the words of the rule model', () => {
  const rules = rulesOf(
    shop +
      policy(
        'all',
        '{ host: a.demo }',
        `timeout: 3s
  attemptTimeout: 500ms
  retry: { attempts: 3, backoff: { base: 10ms, max: 1s }, idempotent: [sayHello], budget: { percent: 10, minPerSecond: 1, ttl: 5s } }
  circuitBreaker: { errorPercent: 25, minimumCalls: 5, window: 2s, openTime: 1s }
  concurrency: { maxConnections: 1, maxPendingRequests: 0, maxRequests: 3, maxRetries: 4 }
  rateLimit: { tokenBucket: { maxTokens: 5, tokensPerFill: 5, fillInterval: 1m }, conditions: [{ match: { attributes: { method: { prefix: say } } }, tokenBucket: { maxTokens: 1, tokensPerFill: 1, fillInterval: 1s } }] }
  pacing: { ratePerSecond: 2.5, maxQueued: 7 }
  fallback: { on: [CIRCUIT_OPEN, DEADLINE], destination: { host: b.demo, port: { number: 1 }, subset: s } }
  outlier: { consecutiveErrors: 2, interval: 1s, baseEjectionTime: 2s, maxEjectionTime: 4s, maxEjectionPercent: 50, minHealthPercent: 30 }`,
      ),
  );
  expect(rules.problems).toEqual([]);
  expect(rules.service('a.demo_20880').policy).toEqual({
    timeoutMs: 3_000,
    attemptTimeoutMs: 500,
    retry: {
      attempts: 3,
      backoffBaseMs: 10,
      backoffMaxMs: 1_000,
      idempotent: ['sayHello'],
      budget: { percent: 10, minPerSecond: 1, ttlMs: 5_000 },
    },
    circuitBreaker: { errorPercent: 25, minimumCalls: 5, windowMs: 2_000, openMs: 1_000 },
    limits: { maxConnections: 1, maxPendingRequests: 0, maxRequests: 3, maxRetries: 4 },
    rateLimit: {
      bucket: { maxTokens: 5, tokensPerFill: 5, fillIntervalMs: 60_000 },
      conditions: [
        {
          match: [{ key: 'method', kind: 'prefix', value: 'say' }],
          bucket: { maxTokens: 1, tokensPerFill: 1, fillIntervalMs: 1_000 },
        },
      ],
    },
    pacing: { ratePerSecond: 2.5, maxQueued: 7 },
    fallback: { on: ['CIRCUIT_OPEN', 'DEADLINE'], cluster: 'outbound|1|s|b.demo' },
    outlier: {
      consecutiveErrors: 2,
      intervalMs: 1_000,
      baseEjectionMs: 2_000,
      maxEjectionMs: 4_000,
      maxEjectionPercent: 50,
      minHealthPercent: 30,
    },
  });
});

test('and what it leaves out: the defaults', () => {
  const rules = rulesOf(
    shop +
      policy(
        'all',
        '{ host: a.demo }',
        `retry: {}
  circuitBreaker: {}
  pacing: { ratePerSecond: 1 }
  fallback: { cluster: "${CLUSTER}" }
  concurrency: {}
  outlier: {}`,
      ),
  );
  expect(rules.service('a.demo_20880').policy).toEqual({
    retry: {
      attempts: 2,
      backoffBaseMs: 25,
      backoffMaxMs: 250,
      idempotent: [],
      budget: { percent: 20, minPerSecond: 10, ttlMs: 10_000 },
    },
    circuitBreaker: { errorPercent: 50, minimumCalls: 20, windowMs: 10_000, openMs: 5_000 },
    pacing: { ratePerSecond: 1, maxQueued: 100 },
    fallback: { on: [], cluster: CLUSTER },
    outlier: {
      consecutiveErrors: 5,
      intervalMs: 10_000,
      baseEjectionMs: 30_000,
      maxEjectionMs: 300_000,
      maxEjectionPercent: 10,
      minHealthPercent: 0,
    },
  });
});

describe('targets', () => {
  const timeouts = (...refs: string[]) => {
    const rules = rulesOf(shop + serviceEntry('b.demo') + policy('p', refs.join(', '), 'timeout: 1s'));
    const found = [
      ...rules.services.flatMap((each) => [
        [each.key, each.policy] as const,
        ...each.routes.map((route) => [`${each.key} ${route.name}`, route.policy] as const),
      ]),
      ...rules.clusters.map((each) => [each.name, each.policy] as const),
    ];
    return found.filter(([, { timeoutMs }]) => timeoutMs === 1_000).map(([name]) => name);
  };

  test.each([
    ['{ host: a.demo }', ['a.demo_20880']],
    ['{ host: a.demo, port: 20880 }', ['a.demo_20880']],
    ['{ host: a.demo, port: 1 }', []],
    ['{ host: a.demo, subset: v1 }', [CLUSTER]],
    ['{ host: a.demo, subset: v2 }', []],
    ['{ host: a.demo, route: one }', ['a.demo_20880 one']],
    ['{ host: b.demo, route: default }', ['b.demo_20880 default']],
    ['{ host: a.demo, route: three }', []],
    ['{ host: c.demo }', []],
  ])('%s', (ref, targets) => {
    expect(timeouts(ref)).toEqual(targets);
  });

  test('several at once', () => {
    expect(timeouts('{ host: b.demo }', '{ host: a.demo, route: two }', '{ host: a.demo, subset: v1 }')).toEqual([
      'a.demo_20880 two',
      'b.demo_20880',
      CLUSTER,
    ]);
  });

  test('a short name is of the namespace of the policy', () => {
    const host = 'shop.demo.svc.cluster.local';
    const rules = rulesOf(serviceEntry(host) + policy('p', '{ host: shop }', 'timeout: 1s'));
    expect(rules.service(`${host}_20880`).policy.timeoutMs).toBe(1_000);
  });

  test('that match nothing, and ports that are not governed, are warned of', () => {
    const plain = serviceEntry('a.demo').replace('tcp-metaprotocol-dubbo', 'http');
    for (const services of ['', plain]) {
      expect(findings(services + policy('p', '{ host: a.demo }', 'timeout: 1s'))).toEqual([
        expect.stringMatching(/warning spec\.targetRefs\[0\]: matches nothing/),
      ]);
    }
  });

  test('of two levels at once are an error', () => {
    expect(findings(shop + policy('p', '{ host: a.demo, subset: v1, route: one }', 'timeout: 1s'))).toContainEqual(
      expect.stringMatching(/error spec\.targetRefs\[0\]: takes one of subset and route/),
    );
  });
});

describe('several policies for one target', () => {
  test('each field is that of the oldest that has it, then of the first written; the others are told', () => {
    const rules = rulesOf(
      shop +
        policy('second', '{ host: a.demo }', 'timeout: 2s\n  concurrency: { maxRequests: 2, maxRetries: 2 }') +
        policy(
          'third',
          '{ host: a.demo }',
          'timeout: 3s\n  attemptTimeout: 1s\n  concurrency: { maxConnections: 3, maxRetries: 3 }',
        ) +
        policy('first', '{ host: a.demo }', 'concurrency: { maxRequests: 1 }', '2026-01-01T00:00:00Z'),
    );
    expect(rules.service('a.demo_20880').policy).toEqual({
      timeoutMs: 2_000,
      attemptTimeoutMs: 1_000,
      limits: { maxRequests: 1, maxRetries: 2, maxConnections: 3 },
    });
    expect(
      rules.problems.map(
        ({ object, message }) => `${object} ${message.split(':')[0]} ${message.split(': ')[1]!.split(' says')[0]}`,
      ),
    ).toEqual([
      'TrafficPolicy demo/second maxRequests has no effect here TrafficPolicy demo/first',
      'TrafficPolicy demo/third timeoutMs has no effect here TrafficPolicy demo/second',
      'TrafficPolicy demo/third maxRetries has no effect here TrafficPolicy demo/second',
    ]);
  });
});

describe('mistakes', () => {
  test.each([
    ['retry: { attempts: 101 }', 'must be at most 100'],
    ['retry: { backoff: { base: 2s, max: 1s } }', 'must not be below base'],
    ['retry: { idempotent: 7 }', 'cannot be 7'],
    ['circuitBreaker: { errorPercent: 0 }', 'must be'],
    ['pacing: { ratePerSecond: 101 }', 'must be at most 100'],
    ['pacing: {}', 'ratePerSecond: is missing; it must be a number'],
    ['fallback: { on: [DENIED], cluster: c }', 'must be one of'],
    ['fallback: { on: [DEADLINE] }', 'takes one of cluster and destination'],
    ['timeout: 0s', 'must be at least 1ms'],
    ['timeout: 10', 'must be a duration such as 100ms, 5s or 1m30s, but is 10'],
    ['timeot: 1s', 'unknown field; known here: targetRefs, timeout'],
  ])('%s', (spec, message) => {
    const found = findings(shop + policy('p', '{ host: a.demo }', spec)).filter((each) => each.includes(' error '));
    expect(found).toEqual([expect.stringContaining(message)]);
  });

  test.each([
    ['hedge: {}', 'hedging is not supported yet'],
    ['fault: {}', 'fault injection is not supported yet'],
    ['timeout: 1s\n  attemptTimeout: 2s', 'is longer than timeout'],
    ['retry: { budget: { percent: 0, minPerSecond: 0 } }', 'allows no retry at all'],
    ['fallback: { cluster: nobody }', 'no cluster of these rules is called nobody'],
  ])('%s is doubtful', (spec, message) => {
    expect(findings(shop + policy('p', '{ host: a.demo }', spec))).toEqual([expect.stringContaining(` warning `)]);
    expect(findings(shop + policy('p', '{ host: a.demo }', spec))[0]).toContain(message);
  });

  test('every failure that a fallback answers by default can be named', () => {
    const on = Object.keys(FAILURES).filter((code) => code !== 'DENIED' && code !== 'CANCELLED');
    expect(on).toEqual(expect.arrayContaining([...DEFAULT_FALLBACK_CODES]));
    const named = policy('p', '{ host: a.demo }', `fallback: { on: [${on}], cluster: "${CLUSTER}" }`);
    expect(findings(shop + named)).toEqual([]);
  });
});

describe('VirtualService', () => {
  test('timeout and retries hold for the service, below what a TrafficPolicy says', () => {
    const http = '{ timeout: 5s, retries: { attempts: 3, perTryTimeout: 1s } }';
    expect(rulesOf(shop + virtualService(http)).service('a.demo_20880').policy).toEqual({
      timeoutMs: 5_000,
      attemptTimeoutMs: 1_000,
      retry: {
        attempts: 3,
        backoffBaseMs: 25,
        backoffMaxMs: 250,
        idempotent: [],
        budget: { percent: 20, minPerSecond: 10, ttlMs: 10_000 },
      },
    });
    const both = rulesOf(shop + virtualService(http) + policy('p', '{ host: a.demo }', 'timeout: 1s'));
    expect(both.service('a.demo_20880').policy).toMatchObject({ timeoutMs: 1_000, attemptTimeoutMs: 1_000 });
    expect(both.problems).toEqual([]);
  });

  test('zero switches off what is off already', () => {
    const rules = rulesOf(shop + virtualService('{ timeout: 0s, retries: { attempts: 0 } }'));
    expect(rules.service('a.demo_20880').policy).toEqual({});
  });

  test('what it says beside these is named, unless the service is none of ours', () => {
    const http =
      '{ match: [{ uri: { exact: / } }], timeout: 9s }, { timeout: 1s, fault: {}, retries: { retryOn: 5xx } }';
    const rules = rulesOf(shop + virtualService(http));
    expect(rules.service('a.demo_20880').policy).toEqual({ timeoutMs: 1_000 });
    expect(rules.problems.map(({ field, message }) => `${field} ${message}`)).toEqual([
      'spec.http[0] has no effect: only the first route without match is read',
      'spec.http[1] only timeout and retries are read, not fault',
      'spec.http[1].retries.retryOn is not read: what may be retried is said by idempotent in a TrafficPolicy',
    ]);
    expect(findings(virtualService(http, 'web.demo'))).toEqual([]);
  });
});

test('a route that no MetaRouter here has: kept for the table that a control plane sends, and told', () => {
  const yaml = serviceEntry('a.demo') + policy('p', '{ host: a.demo, route: pushed }', 'timeout: 1s');
  const rules = rulesOf(yaml);
  expect(rules.service('a.demo_20880')).toMatchObject({
    routesByDefault: true,
    routePolicies: [['pushed', { timeoutMs: 1_000 }]],
  });
  expect(findings(yaml)).toEqual([expect.stringContaining("no MetaRouter here has a route 'pushed'")]);
  expect(rulesOf(serviceEntry('a.demo') + router).service('a.demo_20880')).not.toHaveProperty('routesByDefault');
});
