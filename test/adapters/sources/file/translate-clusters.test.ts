import { describe, expect, test } from '@jest/globals';
import type { ClusterRule } from '../../../../src/rules/index.js';
import { rulesOf, serviceEntry } from './support.js';

const destinationRule = (spec: string, name = 'rule', host = 'a.demo') => `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name}, namespace: demo }
spec: { host: ${host}, ${spec} }`;

function cluster(spec: string, subset = ''): ClusterRule {
  return rulesOf(serviceEntry('a.demo') + destinationRule(spec)).cluster(`outbound|20880|${subset}|a.demo`);
}

const UNLIMITED = {
  maxConnections: Infinity,
  maxPendingRequests: Infinity,
  maxRequests: Infinity,
  maxRetries: Infinity,
};

test('without a DestinationRule: one cluster a port with what Istio has by default', () => {
  const rules = rulesOf(serviceEntry('a.demo'));
  expect(rules.clusters).toEqual([
    {
      name: 'outbound|20880||a.demo',
      host: 'a.demo',
      port: 20880,
      subset: '',
      endpointsKey: 'a.demo_20880',
      labels: {},
      balancer: { kind: 'least-request', choices: 2 },
      outlier: undefined,
      limits: UNLIMITED,
      connectTimeoutMs: 10_000,
      tlsMode: 'disabled',
      policy: {},
      from: { source: 'file', origin: 'a.yaml:8 ServiceEntry demo/a-demo' },
    },
  ]);
});

test('a cluster for each port, governed or not, and each subset, by its labels', () => {
  const entry = serviceEntry('a.demo').replace('ports: [', 'ports: [{ number: 80, name: http-web }, ');
  const rules = rulesOf(entry + destinationRule('subsets: [{ name: v1, labels: { version: v1 } }, { name: all }]'));
  expect(rules.clusters.map((each) => [each.name, each.labels, each.endpointsKey])).toEqual([
    ['outbound|80||a.demo', {}, 'a.demo_80'],
    ['outbound|80|v1|a.demo', { version: 'v1' }, 'a.demo_80'],
    ['outbound|80|all|a.demo', {}, 'a.demo_80'],
    ['outbound|20880||a.demo', {}, 'a.demo_20880'],
    ['outbound|20880|v1|a.demo', { version: 'v1' }, 'a.demo_20880'],
    ['outbound|20880|all|a.demo', {}, 'a.demo_20880'],
  ]);
  expect(rules.cluster('outbound|80|v1|a.demo').from.origin).toMatch(/^a.yaml:\d+ DestinationRule demo\/rule$/);
});

describe('settings', () => {
  test.each([
    ['loadBalancer: { simple: ROUND_ROBIN }', { kind: 'round-robin' }],
    ['loadBalancer: { simple: RANDOM }', { kind: 'random' }],
    ['loadBalancer: { simple: LEAST_CONN }', { kind: 'least-request', choices: 2 }],
    ['loadBalancer: { simple: PASSTHROUGH }', { kind: 'original-destination' }],
    [
      'loadBalancer: { consistentHash: { httpHeaderName: m } }',
      { kind: 'ring-hash', minimumRingSize: 1_024, maximumRingSize: 8_388_608 },
    ],
    [
      'loadBalancer: { consistentHash: { httpHeaderName: m, ringHash: { minimumRingSize: 64 } } }',
      { kind: 'ring-hash', minimumRingSize: 64, maximumRingSize: 8_388_608 },
    ],
    [
      'loadBalancer: { consistentHash: { useSourceIp: true, minimumRingSize: 8388608 } }',
      { kind: 'ring-hash', minimumRingSize: 8_388_608, maximumRingSize: 8_388_608 },
    ],
  ])('%s', (policy, balancer) => {
    expect(cluster(`trafficPolicy: { ${policy} }`).balancer).toEqual(balancer);
  });

  test('of the connection pool; 0 counts as unset', () => {
    const pool = (settings: string) => cluster(`trafficPolicy: { connectionPool: { ${settings} } }`);
    const set = pool(
      'tcp: { maxConnections: 1, connectTimeout: 250ms }, http: { http1MaxPendingRequests: 2, http2MaxRequests: 3, maxRetries: 4 }',
    );
    expect(set.limits).toEqual({ maxConnections: 1, maxPendingRequests: 2, maxRequests: 3, maxRetries: 4 });
    expect(set.connectTimeoutMs).toBe(250);
    expect(pool('tcp: { maxConnections: 0 }, http: { maxRetries: 0 }').limits).toEqual(UNLIMITED);
  });

  test("of outlier detection, with Envoy's defaults; the longest ejection is never below the base", () => {
    const outlier = (settings: string) => cluster(`trafficPolicy: { outlierDetection: { ${settings} } }`).outlier;
    expect(outlier('')).toEqual({
      consecutiveErrors: 5,
      intervalMs: 10_000,
      baseEjectionMs: 30_000,
      maxEjectionMs: 300_000,
      maxEjectionPercent: 10,
      minHealthPercent: 0,
    });
    expect(
      outlier(
        'consecutive5xxErrors: 0, interval: 5m, baseEjectionTime: 15m, maxEjectionPercent: 100, minHealthPercent: 50',
      ),
    ).toEqual({
      consecutiveErrors: 0,
      intervalMs: 300_000,
      baseEjectionMs: 900_000,
      maxEjectionMs: 900_000,
      maxEjectionPercent: 100,
      minHealthPercent: 50,
    });
    expect(outlier('consecutiveErrors: 7')!.consecutiveErrors).toBe(7);
  });

  test.each([
    ['DISABLE', 'disabled'],
    ['ISTIO_MUTUAL', 'istio'],
    ['MUTUAL', 'istio'],
    ['SIMPLE', 'istio'],
  ])('tls %s', (mode, tlsMode) => {
    expect(cluster(`trafficPolicy: { tls: { mode: ${mode} } }`).tlsMode).toBe(tlsMode);
  });

  test('tls that cannot be made is warned of, wherever it is asked for', () => {
    const tls = 'trafficPolicy: { tls: { mode: MUTUAL } }';
    const rules = rulesOf(serviceEntry('a.demo') + destinationRule(`${tls}, subsets: [{ name: v1, ${tls} }]`));
    expect(rules.problems.map((each) => `${each.severity} ${each.field}`)).toEqual([
      'warning spec.trafficPolicy.tls',
      'warning spec.subsets[0].trafficPolicy.tls',
    ]);
    expect(rulesOf(serviceEntry('a.demo') + destinationRule('trafficPolicy: { tls: {} }')).problems).toEqual([]);
  });
});

describe('levels', () => {
  const spec = (rest: string) =>
    `trafficPolicy: { loadBalancer: { simple: RANDOM }, connectionPool: { tcp: { maxConnections: 9 } } }, subsets: [{ name: v1, trafficPolicy: { ${rest} } }]`;

  test('a subset overrides what it sets and keeps the rest', () => {
    const v1 = cluster(spec('loadBalancer: { simple: ROUND_ROBIN }'), 'v1');
    expect([v1.balancer.kind, v1.limits.maxConnections]).toEqual(['round-robin', 9]);
  });

  test('settings of the port replace all: what they leave out is default', () => {
    const port = (number: number) => `portLevelSettings: [{ port: { number: ${number} }, outlierDetection: {} }]`;
    const own = cluster(spec(port(20880)), 'v1');
    expect([own.balancer.kind, own.limits.maxConnections, own.outlier?.consecutiveErrors]).toEqual([
      'least-request',
      Infinity,
      5,
    ]);
    const other = cluster(spec(port(1)), 'v1');
    expect([other.balancer.kind, other.limits.maxConnections, other.outlier]).toEqual(['random', 9, undefined]);
    const whole = cluster(`trafficPolicy: { loadBalancer: { simple: RANDOM }, ${port(20880)} }`);
    expect([whole.balancer.kind, whole.outlier?.consecutiveErrors]).toEqual(['least-request', 5]);
  });
});

test('of several DestinationRules for a host the oldest counts, then the first written, and the others are told', () => {
  const dated = (name: string, time: string, policy: string) =>
    destinationRule(`trafficPolicy: { loadBalancer: { simple: ${policy} } }`, name).replace(
      'namespace: demo }',
      `namespace: demo, creationTimestamp: ${time} }`,
    );
  const undated = destinationRule('trafficPolicy: {}', 'undated');
  const younger = dated('younger', '2026-02-01T00:00:00Z', 'RANDOM');
  const older = dated('older', '2026-01-01T00:00:00+01:00', 'ROUND_ROBIN');
  const rules = rulesOf(serviceEntry('a.demo') + undated + younger + older);
  expect(rules.clusters[0]!.balancer.kind).toBe('round-robin');
  expect(rules.problems.map((each) => [each.object, each.severity, each.message])).toEqual(
    ['DestinationRule demo/younger', 'DestinationRule demo/undated'].map((object) => [
      object,
      'warning',
      'has no effect on a.demo: DestinationRule demo/older counts, as the oldest, then the first written',
    ]),
  );
  const first = destinationRule('trafficPolicy: { loadBalancer: { simple: RANDOM } }', 'b') + undated;
  expect(rulesOf(serviceEntry('a.demo') + first).clusters[0]!.balancer.kind).toBe('random');
});

test('objects of one name: the last is the one, as when they are applied one after the other', () => {
  const text = (policy: string) => destinationRule(`trafficPolicy: { loadBalancer: { simple: ${policy} } }`);
  const rules = rulesOf(serviceEntry('a.demo') + text('RANDOM'), text('ROUND_ROBIN'));
  expect(rules.clusters[0]!.balancer.kind).toBe('round-robin');
  expect(rules.problems.map((each) => `${each.file} ${each.message}`)).toEqual([
    'b.yaml replaces the object of the same name in a.yaml:13; remove one of them',
  ]);
});
