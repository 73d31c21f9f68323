import { afterEach, describe, expect, test } from '@jest/globals';
import { filter, firstValueFrom } from 'rxjs';
import { meshOptions, parseConfig } from '../../../../adapters/node/index.js';
import { readRules } from '../../../../adapters/sources/file/index.js';
import { metaRdsSource, withAssumedServices } from '../../../../adapters/sources/metards/index.js';
import {
  type MetaRdsServer,
  serveMetaRds,
  toRouteConfigurations,
} from '../../../../adapters/sources/metards/server/index.js';
import {
  demoService,
  frames,
  message,
  payloadOf,
  policy,
  router,
  type World,
  world,
  YamlSource,
} from '../../../mesh/support.js';
import { pem } from '../../../support/scripted-metards.js';

let it: World | undefined;
let server: MetaRdsServer | undefined;
afterEach(async () => {
  await it?.mesh.close();
  await server?.close();
  it = undefined;
  server = undefined;
});

const to = (subset: string) =>
  router(`routes: [{ name: ${subset}, route: [{ destination: { host: demo.test, subset: ${subset} } }] }]`);

const rules = (yaml: string) => readRules(new Map([['rules.yaml', yaml]])).services;

function start(source: ConstructorParameters<typeof YamlSource>[0], ...more: Parameters<typeof metaRdsSource>): World {
  it = world(undefined, { sources: [new YamlSource(source), metaRdsSource(...more)] });
  it.server('10.0.0.1');
  it.server('10.0.0.2');
  return it;
}

/** Resolves when calls obey the next change. */
const obeyed = () => firstValueFrom(it!.mesh.changes);

const serverTls = () => ({ cert: pem('server.pem'), key: pem('server.key'), ca: pem('root.pem') });
const clientTls = () => ({
  ca: pem('root.pem'),
  cert: pem('client.pem'),
  key: pem('client.key'),
  serverName: 'aeraki',
});

describe.each([
  ['plain text', false],
  ['mutual TLS', true],
])('a mesh whose routes come by MetaRDS, over %s', (_, secure) => {
  test('obeys each push, and goes on as it was when the server is gone', async () => {
    server = await serveMetaRds({ port: 0, ...(secure && { tls: serverTls() }) });
    server.publish(rules(demoService + to('v2')));
    const address = `127.0.0.1:${server.port}`;
    const { mesh, call } = start(demoService, { address, ...(secure && { tls: clientTls() }) });
    await mesh.ready();
    expect([await call(), await call()]).toEqual(['10.0.0.2 hello', '10.0.0.2 hello']);

    let change = obeyed();
    server.publish(rules(demoService + to('v1')));
    await change;
    expect([await call(), await call()]).toEqual(['10.0.0.1 hello', '10.0.0.1 hello']);

    // A service that is gone there has the default route again: both.
    change = obeyed();
    server.publish([]);
    await change;
    expect(new Set([await call(), await call()]).size).toBe(2);

    change = obeyed();
    server.publish(rules(demoService + to('v2')));
    await change;
    await server.close();
    expect(await call()).toBe('10.0.0.2 hello');
    expect(mesh.status.sources[1]).toMatchObject({ name: 'metards', rules: { routes: 1 }, version: '4' });
  });
});

test("asked for what is used alone: the first calls go by the service's own routes", async () => {
  server = await serveMetaRds({ port: 0 });
  server.publish(rules(demoService + to('v2')));
  const { mesh, call } = start(demoService, { address: `127.0.0.1:${server.port}`, names: 'used' });
  await mesh.ready();
  const change = obeyed();
  expect(await call()).toMatch(/hello$/);
  await change;
  expect([await call(), await call()]).toEqual(['10.0.0.2 hello', '10.0.0.2 hello']);
});

test('a TrafficPolicy of a file holds for routes that were pushed', async () => {
  server = await serveMetaRds({ port: 0 });
  server.publish(rules(demoService + to('v2')));
  const { mesh } = start(demoService + policy('timeout: 7s'), { address: `127.0.0.1:${server.port}` });
  await mesh.ready();
  const [plan] = mesh.plan({ host: 'demo.test', port: 9000 });
  expect(plan).toMatchObject({ route: 'v2', policy: { timeoutMs: 7_000 } });
});

test('a pattern that is none: the table stays as it was, and the status says why', async () => {
  server = await serveMetaRds({ port: 0 });
  server.publish(rules(demoService + to('v2')));
  const { mesh, call } = start(demoService, { address: `127.0.0.1:${server.port}` });
  await mesh.ready();
  const accepted = firstValueFrom(
    server.events.pipe(filter((event) => event.type === 'accepted' && event.version === '2')),
  );
  const [good] = toRouteConfigurations(rules(demoService + to('v1')));
  const text = JSON.stringify(good).replace(
    '"prefix":"/"',
    '"prefix":"/","headers":[{"name":"k","safeRegexMatch":{"regex":"("}}]',
  );
  server.publishConfigurations([JSON.parse(text)]);
  await accepted;
  expect(await call()).toBe('10.0.0.2 hello');
  expect(mesh.status.held).toEqual([{ service: 'demo.test_9000', why: [expect.stringContaining('"("')] }]);
});

describe('tables of services that nobody describes', () => {
  const elsewhere = demoService.replaceAll('demo.test', '10.0.0.1');

  test('wait for a description, and are counted', async () => {
    server = await serveMetaRds({ port: 0 });
    server.publish(rules(elsewhere));
    const { mesh } = start('', { address: `127.0.0.1:${server.port}` });
    await mesh.ready();
    expect(mesh.status.sources[1]!.rules).toMatchObject({ service: 0, routes: 1 });
    expect(mesh.plan({ host: '10.0.0.1', port: 9000 })).toEqual([]);
  });

  test('with a protocol for all of them: the host is the endpoint, until somebody knows better', async () => {
    server = await serveMetaRds({ port: 0 });
    server.publish(rules(elsewhere));
    const yaml = new YamlSource('');
    const sources = withAssumedServices(metaRdsSource({ address: `127.0.0.1:${server.port}` }), 'frame');
    it = world(undefined, { sources: [yaml, ...sources] });
    const { mesh } = it;
    await mesh.ready();
    it.server('10.0.0.1');
    it.server('10.0.0.2');
    const call = async () => {
      const reply = await firstValueFrom(mesh.call({ host: '10.0.0.1', port: 9000 }, message('request', 'hello')));
      return payloadOf(reply.message!);
    };
    expect([await call(), await call()]).toEqual(['10.0.0.1 hello', '10.0.0.1 hello']);
    yaml.set(elsewhere.replace('address: 10.0.0.1', 'address: 10.0.0.2'));
    expect([await call(), await call()]).toEqual(['10.0.0.2 hello', '10.0.0.2 hello']);
    yaml.set('');
    expect(await call()).toBe('10.0.0.1 hello');
    const change = obeyed();
    server.publish([]);
    await change;
    expect(mesh.status.sources[2]!.rules).toMatchObject({ service: 0, cluster: 0, endpoints: 0 });
  });
});

describe('in a configuration', () => {
  test('its sources are made, files of certificates relative to it', async () => {
    const config = parseConfig({
      node: { id: 'orders-1' },
      protocols: [],
      metards: { address: 'aeraki.istio-system:15010', protocol: 'frame', tls: { ca: 'root.pem' }, keepAlive: '10m' },
    });
    const { sources } = await meshOptions(config, { protocols: [frames] });
    expect(sources.map(({ name, precedence }) => [name, precedence])).toEqual([
      ['metards', 200],
      ['metards-services', 50],
    ]);
  });

  test('what cannot be is told', async () => {
    const config = parseConfig({ protocols: [], metards: { address: 'aeraki' } });
    await expect(meshOptions(config)).rejects.toThrow(/metards: the address 'aeraki' is none/);
  });
});
