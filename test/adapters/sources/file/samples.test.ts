import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { hasLabels } from '../../../../adapters/sources/file/translate/workloads.js';
import { rulesOf } from './support.js';

const read = (path: string) => readFileSync(new URL(`../../../../examples/rules/${path}`, import.meta.url), 'utf8');
const HOST = 'org.apache.dubbo.samples.basic.api.demoservice';

/** The sample rules of the Dubbo demo, beside the services and workloads. */
const dubbo = (...names: string[]) =>
  rulesOf(...['services', 'workloads', ...names].map((name) => read(`dubbo/${name}.yaml`)));
const routes = (...names: string[]) => dubbo(...names).service(`${HOST}_20880`).routes;
const cluster = (subset: string) => `outbound|20880|${subset}|${HOST}`;
const when = [
  { key: 'interface', kind: 'exact', value: 'org.apache.dubbo.samples.basic.api.DemoService' },
  { key: 'method', kind: 'exact', value: 'sayHello' },
  { key: 'foo', kind: 'exact', value: 'bar' },
];

describe('the Dubbo demo, interface by interface', () => {
  test('services, their keys and where they run', () => {
    const rules = dubbo();
    expect(rules.problems).toEqual([]);
    expect(rules.services.map((each) => [each.key, each.serviceKey, each.protocol])).toEqual([
      [`${HOST}_20880`, 'org.apache.dubbo.samples.basic.api.DemoService', 'dubbo'],
      [
        'org.apache.dubbo.samples.basic.api.secondservice_20880',
        'org.apache.dubbo.samples.basic.api.SecondService',
        'dubbo',
      ],
    ]);
    expect(rules.endpoints.map((each) => each.endpoints.map(({ address, port }) => `${address}:${port}`))).toEqual([
      ['10.0.0.1:20880', '10.0.0.2:20880'],
      ['10.0.0.3:20881'],
    ]);
  });

  test('subsets have the endpoints of their version', () => {
    const rules = dubbo('destinationrule');
    const { endpoints } = rules.endpointsOf(`${HOST}_20880`);
    const addresses = (subset: string) =>
      endpoints
        .filter((each) => hasLabels(each.labels, rules.cluster(cluster(subset)).labels))
        .map((each) => each.address);
    expect([addresses(''), addresses('v1'), addresses('v2')]).toEqual([
      ['10.0.0.1', '10.0.0.2'],
      ['10.0.0.1'],
      ['10.0.0.2'],
    ]);
  });

  test.each(['v1', 'v2'])('routing to %s', (version) => {
    expect(routes('destinationrule', `metarouter-${version}`)).toMatchObject([
      { name: version, match: when, destinations: [{ cluster: cluster(version) }] },
    ]);
  });

  test('traffic split', () => {
    expect(routes('destinationrule', 'traffic-split')).toMatchObject([
      {
        match: when,
        destinations: [
          { cluster: cluster('v1'), weight: 20 },
          { cluster: cluster('v2'), weight: 80 },
        ],
      },
    ]);
  });

  test('mirroring', () => {
    expect(routes('destinationrule', 'traffic-mirroring')).toMatchObject([
      {
        match: [],
        destinations: [{ cluster: cluster('v1') }],
        mirrors: [{ cluster: cluster('v2'), perMillion: 1_000_000 }],
      },
    ]);
  });

  test('mutation', () => {
    const mutation = [
      ['foo', 'bar'],
      ['foo1', 'bar1'],
    ];
    expect(routes('destinationrule', 'header-mutation')).toMatchObject([
      { requestMutation: mutation, responseMutation: [] },
    ]);
  });

  test('consistent hash', () => {
    const rules = dubbo('consistent-hash');
    expect(rules.service(`${HOST}_20880`).routes).toMatchObject([{ name: 'default', hashKeys: ['method'] }]);
    expect(rules.cluster(cluster('')).balancer.kind).toBe('ring-hash');
  });

  test('local rate limit, where the service is served', () => {
    const { inboundRateLimit, workload } = dubbo('destinationrule', 'local-ratelimit').service(`${HOST}_20880`);
    expect(inboundRateLimit).toEqual({
      bucket: { maxTokens: 10, tokensPerFill: 10, fillIntervalMs: 60_000 },
      conditions: [{ match: [when[1]], bucket: { maxTokens: 2, tokensPerFill: 2, fillIntervalMs: 10_000 } }],
    });
    expect(workload).toEqual({ namespace: 'meta-dubbo', labels: { app: 'dubbo-sample-provider' }, port: 20880 });
  });

  test('global rate limit: the default route, and a word that the limit is not enforced', () => {
    const rules = dubbo('destinationrule', 'global-ratelimit');
    expect(rules.service(`${HOST}_20880`).routes).toMatchObject([{ name: 'default' }]);
    expect(rules.problems.map((each) => `${each.severity} ${each.field}`)).toEqual(['warning spec.globalRateLimit']);
  });

  test.each([
    ['destinationrule'],
    ['consistent-hash'],
    ...[
      'metarouter-v1',
      'metarouter-v2',
      'traffic-split',
      'traffic-mirroring',
      'header-mutation',
      'local-ratelimit',
    ].map((name) => ['destinationrule', name]),
  ])('nothing to complain of: %s %s', (...names) => {
    expect(dubbo(...names).problems).toEqual([]);
  });
});

test('the Dubbo demo, by application: a Service with EndpointSlices', () => {
  const rules = rulesOf(read('dubbo-app-level/services.yaml'), read('dubbo-app-level/traffic-split.yaml'));
  expect(rules.problems).toEqual([]);
  const host = 'dubbo-sample-provider.meta-dubbo.svc.cluster.local';
  expect(rules.service(`${host}_20880`).routes[0]!.destinations).toEqual([
    { cluster: `outbound|20880|v1|${host}`, weight: 20 },
    { cluster: `outbound|20880|v2|${host}`, weight: 80 },
  ]);
  const { endpoints } = rules.endpointsOf(`${host}_20880`);
  expect(endpoints.map(({ address, labels }) => [address, labels.version])).toEqual([
    ['10.0.0.1', 'v1'],
    ['10.0.0.2', 'v2'],
  ]);
  expect(rules.cluster(`outbound|20880|v2|${host}`).labels).toEqual({ version: 'v2' });
});
