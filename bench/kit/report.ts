import type { Row, Suite } from './row.js';

/** Tables for people. */
export function print(suite: Suite, rows: readonly Row[]): void {
  console.log(`\n${suite.name}: ${suite.about}`);
  const width = Math.max(...rows.map((row) => row.name.length));
  let group = '';
  for (const row of rows) {
    if (row.group !== group) {
      group = row.group;
      console.log(`  ${group}`);
    }
    const ratio = row.ratio === undefined ? '' : `${row.ratio.toFixed(2)} ×`;
    const limit = row.limit === undefined ? '' : `budget ${format(row.limit)} ${row.unit}${overOrNot(row)}`;
    const line = `    ${row.name.padEnd(width)}  ${format(row.value).padStart(8)} ${row.unit.padEnd(2)}  ${ratio.padStart(9)}  ${limit}`;
    console.log(line.trimEnd());
  }
}

function overOrNot({ value, limit }: Row): string {
  return limit === undefined || value <= limit ? '' : ' (over)';
}

export function format(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
