/** What importing an entry of the package loads, and whether it leaves anything behind that keeps a process alive. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A process that only imports ends at once; one that is still there after this long never would. */
const PATIENCE_MS = 15_000;

/**
 * Imports in a process of its own, with a hook in Node's module loader.
 * @param folder - where the package can be imported; a file is written into it
 * @returns names of the npm packages loaded, sorted, and how many modules; throws unless the process ends by itself
 */
export function importCost(folder, entry = 'meltemi') {
  const scratch = mkdtempSync(join(tmpdir(), 'meltemi-import-'));
  const log = join(scratch, 'loads');
  writeFileSync(log, '');
  const hook = new URL('load-hook.mjs', import.meta.url).href;
  const data = JSON.stringify({ data: { log } });
  const registration = `import { register } from 'node:module'; register(${JSON.stringify(hook)}, ${data});`;
  // The hook sees ESM, and the first of CommonJS; what that requires is in its cache.
  const probe = `import Module from 'node:module'; import { appendFileSync } from 'node:fs';
await import(${JSON.stringify(entry)});
appendFileSync(${JSON.stringify(log)}, Object.keys(Module._cache).map((it) => it + '\\n').join(''));\n`;
  const file = join(folder, 'import-cost-probe.mjs');
  writeFileSync(file, probe);
  const hooks = ['--import', `data:text/javascript,${encodeURIComponent(registration)}`];
  const { status, signal, stderr } = spawnSync(process.execPath, [...hooks, file], {
    cwd: folder,
    encoding: 'utf8',
    timeout: PATIENCE_MS,
  });
  const loaded = readFileSync(log, 'utf8').split('\n');
  rmSync(scratch, { recursive: true });
  rmSync(file);
  if (status !== 0) throw new Error(`import '${entry}' ended with ${signal ?? `status ${status}`}\n${stderr}`);
  const packages = loaded.flatMap((it) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(it)?.[1] ?? []);
  return { packages: [...new Set(packages)].sort(), modules: new Set(loaded).size };
}
