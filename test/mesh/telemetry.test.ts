import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BehaviorSubject, firstValueFrom } from 'rxjs';
import { createMesh, explainCall, type Mesh } from '../../src/index.js';
import { clusterName, type RuleChange } from '../../src/rules/index.js';
import { clusterRule, endpointRule } from '../cluster/support.js';
import { frameProtocol, message, payloadOf } from '../connection/support/frame-protocol.js';
import { scope } from '../policy/support.js';

const protocol = frameProtocol();
const lines: string[] = [];
const rules = new BehaviorSubject<readonly RuleChange[]>([{ type: 'complete' }]);
let mesh: Mesh;

beforeAll(async () => {
  mesh = createMesh({
    sources: [{ name: 'code', precedence: 400, watch: () => rules }],
    protocols: [protocol],
    recorded: { keys: ['payload'] },
    accessLog: {
      format: '%ROUTE_NAME% %RESPONSE_CODE% %RESPONSE_FLAGS% %REQ(payload)% %UPSTREAM_CLUSTER%',
      out: { write: (text) => lines.push(text) > 0, once: () => {} },
    },
  });
  await mesh.ready();
  const { port } = await mesh.serve({ port: 0, handler: (request) => message('response', payloadOf(request)) });
  const { service, route } = scope({ service: { protocol: protocol.name } });
  const name = clusterName('demo', 20880);
  rules.next([
    {
      type: 'upsert',
      kind: 'service',
      rule: { ...service, routes: [{ ...route, name: 'v1', destinations: [{ cluster: name, weight: 1 }] }] },
    },
    { type: 'upsert', kind: 'cluster', rule: clusterRule({ name }) },
    {
      type: 'upsert',
      kind: 'endpoints',
      rule: { key: 'demo_20880', endpoints: [endpointRule(0, { address: '127.0.0.1', port })], from: service.from },
    },
  ]);
});

afterAll(() => mesh.close());

function value(name: string, labels: Record<string, string>): unknown {
  const metric = mesh.metrics().find((one) => one.name === name)!;
  return metric.samples.find((sample) => Object.entries(labels).every(([key, is]) => sample.labels[key] === is))?.value;
}

test('a call is counted on both sides, per route, cluster and endpoint, told and logged', async () => {
  const ended: unknown[] = [];
  const listener = (event: unknown) => ended.push(event);
  subscribe('meltemi:call:end', listener);
  const reply = await firstValueFrom(mesh.call({ host: 'demo', port: 20880 }, message('request', 'hello')));
  unsubscribe('meltemi:call:end', listener);

  expect(payloadOf(reply.message!)).toBe('hello');
  const bytes = message('request', 'hello').size;
  const source = { reporter: 'source', destination_service: 'demo_20880', route: 'v1' };
  expect(value('requests_total', { ...source, outcome: 'ok' })).toBe(1);
  expect(value('requests_total', { reporter: 'destination', outcome: 'ok' })).toBe(1);
  expect(value('requests_active', { reporter: 'source', destination_service: 'demo_20880' })).toBe(0);
  expect(value('request_bytes_total', source)).toBe(bytes);
  expect(value('response_bytes_total', source)).toBe(bytes);
  expect(value('request_duration_milliseconds', source)).toMatchObject({ count: 1 });
  const cluster = 'outbound|20880||demo';
  expect(value('upstream_rq_total', { cluster, outcome: 'ok' })).toBe(1);
  expect(value('upstream_rq_active', { cluster })).toBe(0);
  expect(value('rq_success', { cluster })).toBe(1);
  expect(ended).toMatchObject([
    { cluster: expect.stringContaining('inbound') },
    { service: 'demo_20880', route: 'v1', cluster },
  ]);
  expect(mesh.records.slowest.find((record) => record.route === 'v1')).toMatchObject({
    outcome: 'ok',
    attempts: [{ number: 1, outcome: 'ok', sent: 'yes' }],
    attributes: [['payload', '<5 characters>']],
  });
});

test('a call that no rule describes is counted, recorded and logged too', async () => {
  const call = firstValueFrom(mesh.call({ host: 'nowhere', port: 1 }, message('request', 'lost')));
  await expect(call).rejects.toMatchObject({ code: 'NO_SERVICE' });
  expect(value('requests_total', { destination_service: 'unknown', outcome: 'NO_SERVICE', route: '-' })).toBe(1);
  expect(value('requests_refused_total', { destination_service: 'unknown' })).toBe(1);
  const [failure] = mesh.records.failures;
  expect(failure).toMatchObject({ destination: 'nowhere:1', outcome: 'NO_SERVICE', refusedBy: 'resolve' });
  expect(explainCall(failure!)[0]).toContain('no rule describes nowhere:1');
});

test('lines are written at the latest when the mesh closes; a bad format is refused when it is made', async () => {
  await mesh.close();
  const logged = lines.join('').split('\n');
  expect(logged).toContain('v1 0 - hello outbound|20880||demo');
  expect(logged).toContain('- 1 NR lost -');
  const accessLog = { format: '%NOPE%', out: { write: () => true, once: () => {} } };
  expect(() => createMesh({ sources: [], protocols: [], accessLog })).toThrow('there is no operator %NOPE%');
});
