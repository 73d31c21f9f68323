/**
 * Interoperability with real Apache Dubbo: builds the Java kit for each line (18–45 s the first time, nothing after) and
 * runs the tests here against it. Prints `N passed, N failed`; exits with 1 if anything failed, with 0 and the reason if
 * this machine cannot run it.
 *
 *     node test/interop/run.mjs [2.7 3.2 3.3]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
const lines = process.argv.length > 2 ? process.argv.slice(2) : ['2.7', '3.2', '3.3'];

for (const [tool, args] of [
  ['java', ['-version']],
  ['mvn', ['-version']],
  ['bash', ['-c', 'command -v flock']],
]) {
  if (spawnSync(tool, args, { stdio: 'ignore' }).status !== 0) {
    console.log(
      `skipped: interop with Java Dubbo, as '${tool} ${args.join(' ')}' does not run here\n0 passed, 0 failed`,
    );
    process.exit(0);
  }
}

for (const line of lines) {
  const built = spawnSync(join(here, 'dubbo-java/run.sh'), ['--line', line, 'build'], { encoding: 'utf8' });
  if (built.status !== 0) {
    const reason = built.stderr.split('\n').slice(-20).join('\n');
    // Without its archives nothing can be said of us; a kit that does not compile is ours to mend.
    const offline = /Could not (transfer|resolve)|Unknown host|Connection (refused|timed out)/.test(built.stderr);
    console.error(`the Java kit for Dubbo ${line} was not built:\n${reason}`);
    console.log(
      offline
        ? 'skipped: interop with Java Dubbo, as Maven Central is out of reach\n0 passed, 0 failed'
        : '0 passed, 1 failed',
    );
    process.exit(offline ? 0 : 1);
  }
}

const out = mkdtempSync(join(tmpdir(), 'interop-'));
const report = join(out, 'report.json');
spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join(root, 'node_modules/jest/bin/jest.js'),
    '--config',
    join(here, 'jest.config.js'),
    '--runInBand',
    '--json',
    '--outputFile',
    report,
  ],
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, INTEROP_LINES: lines.join(',') } },
);
let result = { numPassedTests: 0, numFailedTests: 1 };
try {
  result = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  console.error('the tests did not end with a report');
}
rmSync(out, { recursive: true });
const failed = result.numFailedTests + (result.numRuntimeErrorTestSuites ?? 0);
console.log(`${result.numPassedTests} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
