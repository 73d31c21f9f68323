import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { startMesh } from '../../../../adapters/node/index.js';
import { type Dubbo2Client, dubbo2Client } from '../../../../examples/demo/peers/dubbo2-client.js';
import { type Peer, startPeer } from '../../../../examples/demo/peers/start-peer.js';
import { HOST, metaRouter, PORT, RulesFolder, services, toSubset } from '../../../../examples/demo/rules.js';
import type { Mesh } from '../../../../src/index.js';
import { type SofaClient, sofaClient } from '../../../peers/sofa-client.js';

/** Unmodified npm clients and servers on both sides of the mesh. */
const SERVICE = `${HOST}:${PORT}`;
const RULES = metaRouter(`
  routes:
    - name: attachments
      match: { attributes: { method: { exact: attachments } } }
      route: [{ destination: { host: ${HOST}, subset: v1 } }]
      requestMutation: [{ key: foo, value: bar }]
      responseMutation: [{ key: served-by, value: mesh }]${toSubset('hello', 'v2', 'sayHello')}${toSubset('other', 'v1')}
  localRateLimit:
    conditions:
      - match: { attributes: { method: { exact: slow } } }
        tokenBucket: { maxTokens: 1, tokensPerFill: 1, fillInterval: 60s }`);

let v1: Peer;
let v2: Peer;
let rules: RulesFolder;
let mesh: Mesh;
let dubbo2: Dubbo2Client;
let sofa: SofaClient;

beforeAll(async () => {
  const provider = 'examples/demo/peers/provider.mjs';
  [v1, v2] = await Promise.all([startPeer(provider, ['--name', 'v1']), startPeer(provider, ['--name', 'v2'])]);
});
afterAll(() => Promise.all([v1.stop(), v2.stop()]));

beforeEach(async () => {
  rules = await RulesFolder.create();
  await rules.write('services.yaml', services(v1.port, v2.port));
  await rules.write('router.yaml', RULES);
  mesh = await startMesh({ rules: rules.path });
  await mesh.ready();
});
afterEach(async () => {
  dubbo2.close();
  await sofa.close();
  await mesh.close({ drainMs: 0 });
  await rules.remove();
});

async function clientsOf(port: number): Promise<void> {
  dubbo2 = dubbo2Client({ host: '127.0.0.1', port });
  sofa = await sofaClient(port);
}

test('calls of unmodified clients are routed and changed', async () => {
  await clientsOf((await mesh.listen({ port: 0, service: SERVICE })).port);
  expect(await dubbo2.sayHello('dubbo2.js')).toBe('Hello dubbo2.js, from v2');
  expect(await dubbo2.echoMap({ a: 1, b: 'µ' })).toEqual({ a: 1, b: 'µ' });
  expect(await dubbo2.attachments()).toMatchObject({ foo: 'bar', application: 'dubbo2.js' });
  expect(await sofa.invoke('sayHello', ['sofa'])).toBe('Hello sofa, from v2');
  expect(await sofa.invoke('attachments', [], { k: 'v' })).toMatchObject({ foo: 'bar', k: 'v', dubbo: '5.3.0' });
});

test('exceptions and errors of the provider come as they are', async () => {
  await clientsOf((await mesh.listen({ port: 0, service: SERVICE })).port);
  const className = 'org.apache.dubbo.samples.basic.api.DemoException';
  await expect(dubbo2.failChecked('boom')).rejects.toMatchObject({ name: className, message: 'boom' });
  await expect(dubbo2.failRuntime('burst')).rejects.toThrow('burst');
  await expect(sofa.invoke('failRuntime', ['burst'])).rejects.toThrow('burst');
});

test('many calls at once, of both clients: none lost, none crossed', async () => {
  await clientsOf((await mesh.listen({ port: 0, service: SERVICE })).port);
  const names = Array.from({ length: 200 }, (_, i) => `caller ${i}`);
  const answers = await Promise.all(
    names.map((name, i) => (i % 2 === 0 ? dubbo2.sayHello(name) : sofa.invoke('sayHello', [name]))),
  );
  expect(answers).toEqual(names.map((name) => `Hello ${name}, from v2`));
});

test('what the mesh refuses, both raise with its text', async () => {
  await clientsOf((await mesh.serve({ port: 0, service: SERVICE, forward: { port: v1.port } })).port);
  expect(await dubbo2.slow(1)).toBe('slept 1');
  await expect(dubbo2.slow(1)).rejects.toThrow('meltemi: RATE_LIMITED: ');
  await expect(sofa.invoke('slow', [1])).rejects.toThrow('meltemi: RATE_LIMITED: ');
  expect(await dubbo2.sayHello('still')).toBe('Hello still, from v1');
});

test('a provider that is gone is an error, not a silence', async () => {
  const dying = await startPeer('examples/demo/peers/provider.mjs');
  await clientsOf((await mesh.serve({ port: 0, service: SERVICE, forward: { port: dying.port } })).port);
  await dubbo2.sayHello('first');
  const [a, b] = [dubbo2.slow(60_000), sofa.invoke('sayHello', ['x'])];
  await b;
  await dying.kill('SIGKILL');
  await expect(a).rejects.toThrow('meltemi: CONNECTION_LOST: ');
  await expect(sofa.invoke('sayHello', ['x'])).rejects.toThrow('meltemi: CONNECT_FAILED: ');
});
