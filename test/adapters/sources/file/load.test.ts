import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { transformSync } from '@swc/core';
import { loadRules } from '../../../../adapters/sources/file/index.js';
import { serviceEntry, temporaryFolder } from './support.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
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
  /** What a build would give, in a folder of its own. */
  function compile(into: string): void {
    for (const part of ['src', 'adapters/sources/file']) {
      for (const name of readdirSync(join(root, part), { recursive: true, encoding: 'utf8' })) {
        if (!name.endsWith('.ts')) continue;
        const { code } = transformSync(readFileSync(join(root, part, name), 'utf8'), {
          filename: name,
          jsc: { target: 'es2022', parser: { syntax: 'typescript', decorators: true } },
        });
        const target = join(into, part, name.replace(/\.ts$/, '.js'));
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, code);
      }
    }
    writeFileSync(join(into, 'package.json'), '{ "type": "module" }');
    symlinkSync(join(root, 'node_modules'), join(into, 'node_modules'));
  }

  test('large sets are parsed in a worker thread, with the same result, and the process ends', async () => {
    const into = join(folder.path, 'build');
    compile(into);
    const script = `
      import { loadRules } from './adapters/sources/file/index.js';
      const small = await loadRules([process.argv[1]]);
      const large = await loadRules([process.argv[1]], { workerAbove: 1 });
      console.log(JSON.stringify({ small, large: { ...large }, infinite: large.clusters[0].limits.maxRequests === Infinity }));`;
    // What the process preloads, perhaps a mesh, is none of the worker's.
    const preload = join(into, 'preload.mjs');
    writeFileSync(preload, `import { isMainThread } from 'node:worker_threads'; if (!isMainThread) throw new Error();`);
    const args = ['--import', preload, '--input-type=module', '-e', script, rulesFile()];
    const env = { ...process.env, NODE_OPTIONS: `--import ${preload}` };
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: into, env });
    const { small, large, infinite } = JSON.parse(stdout);
    expect(large.parsedOn).toBe('a worker thread');
    expect(large.problems).toHaveLength(1);
    expect({ ...large, parsedOn: small.parsedOn }).toEqual(small);
    expect(infinite).toBe(true);
  }, 30_000);
});
