import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Observable, of } from 'rxjs';
import type { MeshOptions } from '../../src/index.js';
import type { RuleChange, RuleSource } from '../../src/rules/index.js';
import { lastGoodFiles } from '../../src/rules/last-good/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { cluster, service, upsert } from '../rules/rules.js';
import { DEMO, demoService, router, type World, world, YamlSource } from './support.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meltemi-mesh-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A process with a control plane, or with one that never answers. */
function process(yaml: string | undefined, options: Partial<MeshOptions> = {}): World {
  const it = world(yaml, { lastGood: lastGoodFiles({ directory: folder }), ...options });
  it.server('10.0.0.1');
  it.server('10.0.0.2');
  return it;
}

const toSubset = (subset: string, match = '') =>
  router(`routes: [{ ${match} route: [{ destination: { host: demo.test, subset: ${subset} } }] }]`);
const REGEX = 'match: { attributes: { payload: { regex: "h[a-e]llo" } } },';

test('calls are governed from the first on, with the control plane dead', async () => {
  const first = process(demoService + toSubset('v2'));
  expect(await first.call()).toBe('10.0.0.2 hello');
  await first.mesh.close();

  const runtime = new ManualRuntime(); // no time passes
  const second = process(undefined, { runtime });
  expect(await second.call()).toBe('10.0.0.2 hello');
  await second.mesh.ready();
  expect(second.mesh.status.sources).toMatchObject([{ name: 'yaml', state: 'last-good', synced: true }]);
  // The control plane is back, and says something else.
  second.source.set(demoService + toSubset('v1'));
  expect(await second.call()).toBe('10.0.0.1 hello');
  expect(second.mesh.status.sources).toMatchObject([{ state: 'live' }]);
  await second.mesh.close();

  const third = process(undefined);
  expect(await third.call()).toBe('10.0.0.1 hello');
  await third.mesh.close();
});

test('a table that was refused is not stored, the one in force is', async () => {
  const first = process(demoService + toSubset('v2'));
  await first.call();
  first.source.set(demoService + toSubset('v1', REGEX)); // there is no engine for it
  expect(first.mesh.status.held).toMatchObject([{ service: 'demo.test_9000' }]);
  expect(await first.call()).toBe('10.0.0.2 hello');
  await first.mesh.close();

  const second = process(undefined);
  expect(await second.call()).toBe('10.0.0.2 hello');
  expect(second.mesh.status.held).toEqual([]);
  await second.mesh.close();
});

test('a table that waits for a cluster is not stored before it is adopted', async () => {
  const runtime = new ManualRuntime();
  const first = process(demoService + toSubset('v2'), { runtime });
  await first.call();
  first.source.set(demoService + toSubset('v3'));
  await first.mesh.close();

  const second = process(undefined, { runtime });
  expect(await second.call()).toBe('10.0.0.2 hello');
  second.source.set(demoService + toSubset('v3'));
  await runtime.advanceAsync(20_000);
  expect(second.mesh.status.held).toEqual([]);
  await second.mesh.close();

  const third = process(undefined, { runtime });
  expect(await third.call()).toBe('NO_CLUSTER');
  await third.mesh.close();
});

test('what lies there and cannot be used is told, and the source waited for', async () => {
  writeFileSync(join(folder, 'yaml.rules'), 'hello', { mode: 0o600 });
  const runtime = new ManualRuntime();
  let it!: World;
  const told = new Promise<string>((warn) => {
    it = process(undefined, { logger: { debug() {}, info() {}, warn, error: warn }, runtime });
  });
  const early = it.call();
  expect(await told).toMatch(/^source yaml is connecting: its last-good rules: .*yaml\.rules is not used: /);
  it.source.set(demoService + toSubset('v1'));
  expect(await early).toBe('10.0.0.1 hello');
  await it.mesh.close();
  expect(readdirSync(folder).sort()).toEqual(['yaml.rules', 'yaml.rules.bad']);
});

test('nothing is kept of sources that are of this machine', async () => {
  const local: RuleSource = Object.assign(new YamlSource(demoService), { local: true } as const);
  const it = process(undefined, { sources: [local] });
  expect(it.mesh.explain(DEMO, {}).refused).toBeUndefined();
  await it.mesh.close();
  expect(readdirSync(folder)).toEqual([]);
});

test('a mesh whose disk hangs closes all the same', async () => {
  const runtime = new ManualRuntime();
  const never = new Promise<never>(() => {});
  const source: RuleSource = {
    name: 'plane',
    precedence: 200,
    watch: () =>
      new Observable<readonly RuleChange[]>((subscriber) =>
        subscriber.next([{ type: 'remove', kind: 'service', key: 'a' }, { type: 'complete' }]),
      ),
  };
  const yaml = new YamlSource(demoService);
  const lastGood = { load: () => never, save: () => never };
  const { mesh } = world(undefined, { sources: [source, yaml], lastGood, runtime });
  await mesh.ready();
  const closed = mesh.close({ drainMs: 0 });
  await runtime.advanceAsync(2000);
  await closed;
});

test('a rule of a made-up source that cannot even be checked is not stored, the others are', async () => {
  const broken = cluster('demo', 'v1', { policy: null as never });
  const plane: RuleSource = {
    name: 'plane',
    precedence: 200,
    watch: () => of([upsert.cluster(broken), upsert.service(service('demo')), { type: 'complete' } as RuleChange]),
  };
  const lastGood = lastGoodFiles({ directory: folder });
  const runtime = new ManualRuntime();
  const { mesh } = world(undefined, { lastGood, sources: [plane], runtime });
  await mesh.ready();
  await runtime.advanceAsync(2000);
  await mesh.close();
  expect((await lastGood.load('plane'))?.rules).toMatchObject([{ kind: 'service', rule: { host: 'demo' } }]);
});
