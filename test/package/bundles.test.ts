import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type PackageFolder, packageFolder } from '../support/package-folder.js';

let folder: PackageFolder;

beforeAll(async () => {
  folder = await packageFolder();
}, 30_000);

afterAll(() => folder.remove());

async function run(script: string): Promise<unknown> {
  const args = ['--enable-source-maps', '--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder.path });
  return JSON.parse(stdout);
}

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
const entries = Object.keys(manifest.exports)
  .filter((it) => !it.includes('*') && it !== './package.json')
  .map((it) => `meltemi${it.slice(1)}`);

test('whichever entry exports a class, it is the same class', async () => {
  const script = `
    const first = new Map(), twice = [];
    let shared = 0;
    for (const entry of ${JSON.stringify(entries)})
      for (const [name, value] of Object.entries(await import(entry))) {
        if (!first.has(name)) first.set(name, value);
        else if (first.get(name) === value) shared++;
        else twice.push(entry + ' ' + name);
      }
    console.log(JSON.stringify({ shared, twice }));`;
  expect(await run(script)).toEqual({ shared: expect.any(Number), twice: [] });
}, 30_000);

test('its Observables and operators are those of rxjs, to whoever imports all of it, and not all of it is loaded', async () => {
  const script = `
    import Module from 'node:module';
    import { createMesh } from 'meltemi';
    import { dubboClient } from 'meltemi/dubbo';
    const loaded = Object.keys(Module._cache).filter((it) => /rxjs/.test(it)).length;
    const { retry } = await import('meltemi/operators');
    const { Observable, of } = await import('rxjs');
    const mesh = createMesh({ protocols: [], sources: [] });
    const client = dubboClient(mesh, { host: 'nobody', port: 1, interface: 'demo.Nothing' });
    const all = [mesh.changes, client.invoke('hello', []), of(1).pipe(retry({ attempts: 1 }))];
    await mesh.close();
    const whole = Object.keys(Module._cache).filter((it) => /rxjs/.test(it)).length;
    console.log(JSON.stringify({ all: all.map((it) => it instanceof Observable), part: loaded / whole }));`;
  const { all, part } = (await run(script)) as { all: boolean[]; part: number };
  expect(all).toEqual([true, true, true]);
  expect(part).toBeLessThan(0.2);
}, 30_000);

test("a failure that an adapter or its lazily loaded part raises is a Failure of 'meltemi'", async () => {
  const script = `
    import { createMesh, Failure } from 'meltemi';
    import { dubbo, dubboClient } from 'meltemi/dubbo';
    import { startMesh } from 'meltemi/node';
    const raised = [];
    for (const mesh of [await startMesh({ rules: [] }), createMesh({ protocols: [dubbo], sources: [] })]) {
      const client = dubboClient(mesh, { host: 'nobody', port: 1, interface: 'demo.Nothing' });
      await client.call('hello', []).catch((error) => raised.push(error instanceof Failure));
      await mesh.close();
    }
    console.log(JSON.stringify(raised));`;
  expect(await run(script)).toEqual([true, true]);
}, 30_000);

test('source maps lead to the sources', async () => {
  const script = `
    import { Mutation } from 'meltemi';
    try { Mutation.of(3); } catch (error) { console.log(JSON.stringify(error.stack)); }`;
  expect(await run(script)).toContain('src/message/mutation.ts:');
}, 30_000);
