import { expect, test } from '@jest/globals';
import { opossum } from '../../adapters/engines/opossum.js';
import { xxhash } from '../../adapters/engines/xxhash.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { ChangingRules, HOSTS } from './changing-rules.js';
import { close, QUIET, quiet, scene, sizes, turn, V1 } from './scene.js';
import { demoService, router, world } from './support.js';

const CHANGES = 1000;

test.each([1, 2])(
  '1,000 changes while calls run, seed %i: none fails, none goes astray, nothing grows',
  async (seed) => {
    const runtime = new ManualRuntime(seed);
    const { random } = new ManualRuntime(seed + 1000);
    const rules = new ChangingRules(random);
    const it = world(undefined, {
      sources: [rules],
      runtime,
      engines: { hash: await xxhash(), breaker: opossum(runtime) },
    });
    const { mesh } = it;
    for (const host of HOSTS) {
      it.server(host, (payload, later) => {
        const turns = Math.floor(random() * 4);
        if (turns === 0) return `${host} ${payload}`;
        const wait = (left: number) => (left === 0 ? later(`${host} ${payload}`) : setImmediate(wait, left - 1));
        wait(turns);
        return undefined;
      });
    }
    await mesh.ready();

    const wrong: string[] = [];
    let calls = 0;
    const call = async (): Promise<void> => {
      const kind = random() < 0.5 ? 'even' : 'odd';
      const payload = `${kind} ${calls++}`;
      const from = rules.states.length - 1;
      const answer = await it.call(payload);
      const during = rules.states.slice(from);
      const subsets = during[0]!.routes.get(kind)!;
      const allowed = during.flatMap(({ servers }) => subsets.flatMap((subset) => servers.get(subset) ?? []));
      if (!allowed.some((host) => answer === `${host} ${payload}`)) {
        wrong.push(`change ${from}: ${payload}: ${answer}, not of ${[...new Set(allowed)].join(', ')}`);
      }
    };
    const settle = async (running: Promise<void>[]): Promise<void> => {
      await Promise.all(running);
      for (let i = 0; i < 10; i++) await turn(); // mirrors are still answered
    };

    const warm = async (): Promise<void> => {
      rules.reset();
      await settle(Array.from({ length: 100 }, call));
    };
    await warm();
    const before = sizes(mesh);
    const running: Promise<void>[] = [];
    for (let i = 0; i < CHANGES; i++) {
      rules.change();
      for (let n = 0; n < 3; n++) running.push(call());
      if (random() < 0.5) await turn();
    }
    await settle(running);
    await warm();
    expect(wrong).toEqual([]);
    expect(calls).toBe(CHANGES * 3 + 200);
    expect(quiet(mesh)).toEqual(QUIET);
    expect(sizes(mesh)).toEqual(before);
    await close(mesh, runtime);
    expect(sizes(mesh)).toMatchObject({
      state: 0,
      plans: 0,
      routeMeters: 1,
      clusterMeters: 0,
      endpointMeters: 0,
      clusters: 0,
      peers: 0,
    });
  },
  30_000,
);

const route = (subset: string) =>
  router(`routes: [{ name: r, route: [{ destination: { host: demo.test, subset: ${subset} } }] }]`);

test('a service that is removed refuses new calls, lets those under way end, and comes back', async () => {
  const { call, mesh, source, backend, runtime } = await scene(route('v1'));
  const underWay = call('early');
  const arrived = await backend.next();
  source.set('');
  expect(await call()).toBe('NO_SERVICE');
  expect(mesh.status.clusters.map((it) => it.name)).toEqual([V1]);
  arrived.reply();
  expect(await underWay).toBe('10.0.0.1 early');
  expect(mesh.status.clusters).toEqual([]);
  source.set(demoService + route('v2'));
  const again = call();
  (await backend.next()).reply();
  expect(await again).toBe('10.0.0.2 hello');
  source.set(''); // and is back before its last call has ended
  const late = call();
  expect(await late).toBe('NO_SERVICE');
  source.set(demoService + route('v2'));
  backend.echo = true;
  expect(await call()).toBe('10.0.0.2 hello');
  expect(quiet(mesh)).toEqual(QUIET);
  expect(runtime.referenced).toBe(0);
});

test('a table that names a cluster which nobody describes waits 15 s for it, and is then in force without', async () => {
  const { call, mesh, source, backend, runtime } = await scene(route('v1'));
  backend.echo = true;
  expect(await call()).toBe('10.0.0.1 hello');
  const told: string[] = [];
  mesh.changes.subscribe((version) => told.push(version));
  source.set(demoService + route('v9'));
  expect(mesh.status.held).toEqual([{ service: 'demo.test_9000', why: [expect.stringContaining('|v9|')] }]);
  runtime.advance(14_999);
  expect(await call()).toBe('10.0.0.1 hello');
  expect(told).toEqual([]);
  runtime.advance(1);
  expect(told).toHaveLength(1);
  expect(await call()).toBe('NO_CLUSTER');
  expect(mesh.status.held).toEqual([]);
  source.set(demoService.replace('{ name: v2,', '{ name: v9,') + route('v9'));
  expect(await call()).toBe('10.0.0.2 hello');
});

test('a cluster that comes while its table waits for it is in force at once', async () => {
  const { call, source, backend, runtime } = await scene(route('v1'));
  backend.echo = true;
  expect(await call()).toBe('10.0.0.1 hello');
  source.set(demoService + route('v9'));
  runtime.advance(10_000);
  source.set(demoService.replace('{ name: v2,', '{ name: v9,') + route('v9'));
  expect(await call()).toBe('10.0.0.2 hello');
});

test('endpoints are swapped on live connections: calls under way end where they are, new ones go elsewhere', async () => {
  const only = (address: string) =>
    demoService.replace(/ *- \{ address.*\n *- \{ address.*\n/, `    - { address: ${address} }\n`);
  const { call, mesh, source, backend, network } = await scene('');
  source.set(only('10.0.0.1'));
  const before = Array.from({ length: 50 }, (_, i) => call(`before ${i}`));
  for (let i = 0; i < 50; i++) await backend.next();
  source.set(only('10.0.0.2'));
  const after = Array.from({ length: 50 }, (_, i) => call(`after ${i}`));
  for (let i = 0; i < 50; i++) await backend.next();
  expect(mesh.status.clusters[0]!.endpoints).toMatchObject([
    { address: '10.0.0.2:9000', inflight: 50, draining: false },
    { address: '10.0.0.1:9000', inflight: 50, draining: true },
  ]);
  for (const arrived of backend.all) arrived.reply();
  expect(await Promise.all(before)).toEqual(before.map((_, i) => `10.0.0.1 before ${i}`));
  expect(await Promise.all(after)).toEqual(after.map((_, i) => `10.0.0.2 after ${i}`));
  expect(mesh.status.clusters[0]!.endpoints).toHaveLength(1);
  source.set(only('10.0.0.1'));
  backend.echo = true;
  expect(await call()).toBe('10.0.0.1 hello');
  expect(network.dialled).toEqual(['10.0.0.1:9000', '10.0.0.2:9000', '10.0.0.1:9000']);
});
