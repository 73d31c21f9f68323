import { expect, test } from '@jest/globals';
import { ownService } from '../../src/mesh/own-service.js';
import type { ServiceRule } from '../../src/rules/index.js';
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
  expect(ownService([...others, mine], node, 9000)).toBe(mine);
  expect(ownService(others, node, 9000)).toBeUndefined();
});

test('of several the oldest', () => {
  const young = service('young', selects({ app: 'demo' }), 2);
  const old = service('old', selects({ version: 'v1' }), 1);
  expect(ownService([young, old], node, 9000)).toBe(old);
});

test('without labels: none', () => {
  expect(ownService([service('any', selects({ app: 'demo' }))], {}, 9000)).toBeUndefined();
});
