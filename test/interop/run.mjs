/**
 * Interoperability with real peers in other languages. Each folder here with a `kit.mjs` is a kit: its default export has a
 * `name`, the `tests` that need it, and `prepare()`, which builds it and says what came of it: `env` for the tests, reasons
 * why it, or a part of it, is `skipped`, and what `failed`. Without `env` its tests are not run. Prints the reasons and then
 * `N passed, N failed`; exits with 1 if anything failed.
 *
 *     node test/interop/run.mjs [FOLDER...]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
const all = readdirSync(here).filter((folder) => existsSync(join(here, folder, 'kit.mjs')));
const chosen = process.argv.length > 2 ? process.argv.slice(2) : all;

const tests = [];
const env = { ...process.env };
let failed = 0;
for (const folder of chosen) {
  const { default: kit } = await import(`./${folder}/kit.mjs`);
  const prepared = await kit.prepare();
  for (const reason of prepared.skipped ?? []) console.log(`skipped: interop with ${kit.name}, as ${reason}`);
  for (const reason of prepared.failed ?? []) console.error(`interop with ${kit.name}: ${reason}`);
  failed += prepared.failed?.length ?? 0;
  if (prepared.env === undefined) continue;
  Object.assign(env, prepared.env);
  tests.push(...kit.tests.map((file) => join(here, file)));
}

let passed = 0;
if (tests.length > 0) {
  const out = mkdtempSync(join(tmpdir(), 'interop-'));
  const report = join(out, 'report.json');
  const jest = [
    '--config',
    join(here, 'jest.config.js'),
    // Peers wait more than they work.
    '--maxWorkers=2',
    '--forceExit',
    '--json',
    '--outputFile',
    report,
  ];
  spawnSync(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(root, 'node_modules/jest/bin/jest.js'),
      ...jest,
      '--runTestsByPath',
      ...tests,
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env },
  );
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    passed = result.numPassedTests;
    failed += result.numFailedTests + (result.numRuntimeErrorTestSuites ?? 0);
  } catch {
    console.error('the tests did not end with a report');
    failed++;
  }
  rmSync(out, { recursive: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
