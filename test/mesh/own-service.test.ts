import { expect, test } from '@jest/globals';
import type { MeshNode } from '../../src/index.js';
import { ownService } from '../../src/mesh/own-service.js';
import { RuleStore, type ServiceRule } from '../../src/rules/index.js';
import { from, routeRule } from '../pipeline/support.js';

function service(host: string, workload: ServiceRule['workload'], createdAt = 0): ServiceRule {
  return {
    key: `${host}_1`,
    host,
    port: 1,
    portName: 'tcp-metaprotocol-test',
    protocol: 'test',
    addresses: [],
    serviceKey: undefined,
    routes: [routeRule],
    inboundRateLimit: undefined,
    workload,
    policy: {},
    resolution: 'STATIC',
    createdAt,
    from,
  };
}

function own(rules: readonly ServiceRule[], node: MeshNode, store = new RuleStore()): ServiceRule | undefined {
  return ownService(new Map(rules.map((rule) => [rule.key, rule])), store, node, 9000);
}

const labels = { app: 'demo', version: 'v1' };
const selects = (wanted: Record<string, string>, port = 9000, namespace = 'shop') => ({
  labels: wanted,
  port,
  namespace,
});
const node = { labels, namespace: 'shop' };

test('is the one whose selector, namespace and target port are this process', () => {
  const mine = service('mine', selects({ app: 'demo' }));
  const others = [
    service('other-port', selects({ app: 'demo' }, 9001)),
    service('other-app', selects({ app: 'demo', version: 'v2' })),
    service('other-namespace', selects({ app: 'demo' }, 9000, 'default')),
    service('selects-nothing', selects({})),
    service('no-workload', undefined),
  ];
  expect(own([...others, mine], node)).toBe(mine);
  expect(own(others, node)).toBeUndefined();
});

test('of several the oldest', () => {
  const young = service('young', selects({ app: 'demo' }), 2);
  const old = service('old', selects({ version: 'v1' }), 1);
  expect(own([young, old], node)).toBe(old);
});

test('without labels: none', () => {
  expect(own([service('any', selects({ app: 'demo' }))], {})).toBeUndefined();
});

test('else the oldest without a selector that has an endpoint here', () => {
  const selected = service('selected', selects({ app: 'other' }));
  const rules = [
    service('young', undefined, 2),
    service('old', undefined, 1),
    service('elsewhere', undefined),
    selected,
  ];
  const store = new RuleStore();
  const endpoint = { port: 9000, labels: {}, weight: 1, locality: '', priority: 0, tlsMode: undefined };
  const at = (key: string, address: string, port = 9000) =>
    ({ type: 'upsert', kind: 'endpoints', rule: { key, from, endpoints: [{ ...endpoint, address, port }] } }) as const;
  store.apply({ name: 'test', precedence: 1 }, [
    ...rules.map((rule) => ({ type: 'upsert', kind: 'service', rule }) as const),
    ...[
      at('young_1', '10.0.0.1'),
      at('old_1', '10.0.0.1'),
      at('selected_1', '10.0.0.1'),
      at('elsewhere_1', '10.0.0.2'),
    ],
  ]);
  expect(own(rules, { addresses: ['fe80::1', '10.0.0.1'] }, store)?.host).toBe('old');
  expect(own(rules, { addresses: ['10.0.0.1'], labels: { app: 'other' }, namespace: 'shop' }, store)).toBe(selected);
  expect(own(rules, { addresses: ['10.0.0.3'] }, store)).toBeUndefined();
});
