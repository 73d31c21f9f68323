import { format } from './report.js';
import type { Row, Suite } from './row.js';

/** A suite with a missed budget is measured again: what others do on the machine passes, what we do stays. */
const TRIES = 3;

/**
 * Holds rows against their budgets; the last line says `N passed, N failed`.
 * @param scale - by how much time budgets are multiplied: see `reference.ts`
 * @returns the exit code
 */
export async function check(
  suites: readonly Suite[],
  scale: number,
  measure: (suite: Suite) => Promise<readonly Row[]>,
): Promise<number> {
  console.log(`time budgets × ${scale.toFixed(2)}, by the reference loop of this machine`);
  let passed = 0;
  let failed = 0;
  for (const suite of suites) {
    const best = await bestOf(suite, scale, measure);
    for (const row of best.values()) {
      const limit = limitOf(row, scale)!;
      const ok = row.value <= limit + (row.slack ?? 0);
      if (ok) passed++;
      else failed++;
      const mark = ok ? 'ok  ' : 'OVER';
      const slack = row.slack === undefined ? '' : ` (and ${format(row.slack)} for noise)`;
      const what = `${suite.name}: ${row.group.split(';')[0]}: ${row.name}`;
      console.log(`${mark} ${what}: ${format(row.value)} ${row.unit} of ${format(limit)} ${row.unit}${slack}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Rows with a budget, each with the least of its figures. */
async function bestOf(
  suite: Suite,
  scale: number,
  measure: (suite: Suite) => Promise<readonly Row[]>,
): Promise<Map<string, Row>> {
  const best = new Map<string, Row>();
  for (let i = 0; i < TRIES; i++) {
    for (const row of await measure(suite)) {
      if (row.limit === undefined) continue;
      const key = `${row.group}\n${row.name}`;
      const before = best.get(key);
      if (before === undefined || row.value < before.value) best.set(key, row);
    }
    if ([...best.values()].every((row) => row.value <= limitOf(row, scale)!)) break;
  }
  return best;
}

/** Only CPU time depends on the machine: bytes and ratios do not. */
function limitOf({ limit, unit }: Row, scale: number): number | undefined {
  return limit === undefined || (unit !== 'µs' && unit !== 'ms') ? limit : limit * scale;
}
