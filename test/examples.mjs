/**
 * Runs each example of `dist/examples` but the demo, which `npm run demo` runs: those that end by themselves, with exit
 * code 0. README.md's are run by test/docs and test/package. Ends with `N passed, N failed`. Needs `npm run build`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PATIENCE_MS = 60_000;
const root = fileURLToPath(new URL('..', import.meta.url));
let passed = 0;
let failed = 0;

const examples = readdirSync(join(root, 'examples'), { withFileTypes: true })
  .filter((it) => it.isDirectory() && it.name !== 'demo' && existsSync(join(root, 'examples', it.name, 'main.ts')))
  .map((it) => it.name);

for (const name of examples) {
  const file = join(root, 'dist/examples', name, 'main.js');
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [file], {
    encoding: 'utf8',
    timeout: PATIENCE_MS,
  });
  if (status === 0) passed++;
  else failed++;
  const ended = status === 0 ? 'ok  ' : 'FAIL';
  const how = status === 0 ? '' : ` ended with ${signal ?? `status ${status}`}\n${stderr}`;
  console.log(`${ended}  examples/${name}: ${stdout.trim()}${how}`);
}

if (passed + failed === 0) {
  failed++;
  console.log('FAIL  no example was found');
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
