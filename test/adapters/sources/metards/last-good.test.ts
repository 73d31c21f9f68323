import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { filter, firstValueFrom } from 'rxjs';
import { readRules } from '../../../../adapters/sources/file/index.js';
import { type MetaRdsOptions, metaRdsSource } from '../../../../adapters/sources/metards/index.js';
import { type MetaRdsServer, serveMetaRds } from '../../../../adapters/sources/metards/server/index.js';
import { lastGoodFiles } from '../../../../src/rules/last-good/index.js';
import { demoService, router, type World, world, YamlSource } from '../../../mesh/support.js';

let folder: string;
let server: MetaRdsServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meltemi-metards-'));
  server = await serveMetaRds({ port: 0 });
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** A process: services and clusters from a file, routes from the control plane. */
function process(names: MetaRdsOptions['names'] = 'all'): World {
  const file = Object.assign(new YamlSource(demoService), { local: true } as const);
  const plane = metaRdsSource({ address: `127.0.0.1:${server.port}`, names });
  const it = world(undefined, { sources: [file, plane], lastGood: lastGoodFiles({ directory: folder }) });
  it.server('10.0.0.1');
  it.server('10.0.0.2');
  return it;
}

function publish(subset: string): void {
  const rules = demoService + router(`routes: [{ route: [{ destination: { host: demo.test, subset: ${subset} } }] }]`);
  server.publish(readRules(new Map([['rules.yaml', rules]])).services);
}

/** Each one by its endpoint: all to one, or in turn. */
async function answers({ call }: World): Promise<readonly string[]> {
  return (await Promise.all([call(''), call(''), call(''), call('')])).map((answer) => answer.trim());
}

const V1 = Array(4).fill('10.0.0.1');

test('with the control plane gone for good its routes serve on, in the next process too, and the one after', async () => {
  publish('v1');
  const first = process();
  expect(await answers(first)).toEqual(V1);
  await first.mesh.close();
  await server.close();
  for (let life = 0; life < 2; life++) {
    const next = process();
    expect(await answers(next)).toEqual(V1);
    expect(next.mesh.status.sources).toMatchObject([{ state: 'live' }, { name: 'metards', state: 'last-good' }]);
    await next.mesh.close();
  }
});

test('asked by name, it keeps the routes of services that were not called this time', async () => {
  publish('v1');
  const first = process('used');
  const arrived = firstValueFrom(first.mesh.changes.pipe(filter(() => first.mesh.status.sources[1]!.rules.routes > 0)));
  await first.call('');
  await arrived;
  expect(await answers(first)).toEqual(V1);
  await first.mesh.close();
  const idle = process('used'); // the control plane is there, and nobody calls
  await idle.mesh.ready();
  await idle.mesh.close();
  await server.close();
  const next = process('used');
  await next.mesh.ready();
  expect(await answers(next)).toEqual(V1);
  await next.mesh.close();
});
