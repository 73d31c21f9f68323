import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadRules } from '../../../../adapters/sources/file/index.js';
import { packageFolder } from '../../../support/package-folder.js';
import { serviceEntry, temporaryFolder } from './support.js';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  folder.remove();
});

function rulesFile(): string {
  const path = join(folder.path, 'rules.yaml');
  writeFileSync(path, serviceEntry('a.demo') + serviceEntry('b.demo', '  exportTo: ["."]'));
  return path;
}

test('small sets are parsed at once, large ones too where there is no compiled worker; the reason is said', async () => {
  const path = rulesFile();
  expect((await loadRules([path])).parsedOn).toBe('the main thread: at most 262144 bytes');
  const large = await loadRules([path], { workerAbove: 1 });
  expect(large.parsedOn).toBe('the main thread: running from sources, where there is no compiled worker');
  expect(large.services).toHaveLength(2);
});

test('is aborted by its signal', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(loadRules([rulesFile()], { signal })).rejects.toThrow('enough');
});

describe('compiled', () => {
  test('large sets are parsed in a worker thread, with the same result, and the process ends', async () => {
    const build = await packageFolder();
    const script = `
      import { loadRules } from 'meltemi/file';
      const small = await loadRules([process.argv[1]]);
      const large = await loadRules([process.argv[1]], { workerAbove: 1 });
      console.log(JSON.stringify({ small, large: { ...large }, infinite: large.clusters[0].limits.maxRequests === Infinity }));`;
    // What the process preloads, perhaps a mesh, is none of the worker's.
    const preload = join(folder.path, 'preload.mjs');
    writeFileSync(preload, `import { isMainThread } from 'node:worker_threads'; if (!isMainThread) throw new Error();`);
    const args = ['--import', preload, '--input-type=module', '-e', script, rulesFile()];
    const env = { ...process.env, NODE_OPTIONS: `--import ${preload}` };
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: build.path, env });
    await build.remove();
    const { small, large, infinite } = JSON.parse(stdout);
    expect(large.parsedOn).toBe('a worker thread');
    expect(large.problems).toHaveLength(1);
    expect({ ...large, parsedOn: small.parsedOn }).toEqual(small);
    expect(infinite).toBe(true);
  }, 30_000);
});
