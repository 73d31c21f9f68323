/**
 * `npm run bench`: what the mesh costs, with ratios to a baseline of the same run. `--json` prints rows for a machine;
 * `--check` measures what has a budget, and exits 1 if one is missed; names of suites choose among them. Each suite
 * runs in a process of its own, so that it finds the JIT as fresh as any other. docs/performance.md tells how to read it.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { check } from './kit/check.js';
import { slowness } from './kit/reference.js';
import { print } from './kit/report.js';
import type { Row, Suite } from './kit/row.js';
import { codecs } from './suites/codec.js';
import { cold } from './suites/cold.js';
import { coldStart } from './suites/cold-start.js';
import { imports } from './suites/imports.js';
import { inFlight } from './suites/in-flight.js';
import { plan } from './suites/plan.js';
import { routing } from './suites/routing.js';
import { rpc } from './suites/rpc.js';
import { ruleChanges } from './suites/rule-changes.js';
import { wire } from './suites/wire.js';

const SUITES: readonly Suite[] = [plan, inFlight, cold, wire, rpc, routing, ...codecs, ruleChanges, imports, coldStart];

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    /** One suite, here: for the processes that this one starts. */
    suite: { type: 'string' },
  },
});

if (flags.suite !== undefined) {
  const rows = await suiteOf(flags.suite).run();
  process.stdout.write(JSON.stringify(rows), () => process.exit(0));
} else {
  const chosen = positionals.length > 0 ? positionals.map(suiteOf) : SUITES;
  const scale = await slowness();
  if (flags.check)
    process.exitCode = await check(
      chosen.filter((it) => it.budgets),
      scale,
      inItsOwnProcess,
    );
  else {
    const all: Row[] = [];
    for (const suite of chosen) {
      const rows = await inItsOwnProcess(suite);
      all.push(...rows);
      if (!flags.json) print(suite, rows);
    }
    const { version, arch, platform } = process;
    if (flags.json) console.log(JSON.stringify({ node: version, platform, arch, slowness: scale, rows: all }, null, 2));
  }
}

function suiteOf(name: string): Suite {
  const suite = SUITES.find((it) => it.name === name);
  if (suite === undefined) throw new Error(`no suite '${name}'; there are ${SUITES.map((it) => it.name).join(', ')}`);
  return suite;
}

async function inItsOwnProcess(suite: Suite): Promise<readonly Row[]> {
  const args = ['--expose-gc', fileURLToPath(import.meta.url), '--suite', suite.name];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 });
  return JSON.parse(stdout) as Row[];
}
