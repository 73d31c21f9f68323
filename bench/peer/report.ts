import { LEGS } from './legs.js';
import type { LegFigures } from './measure.js';

/** A case, and what each leg came to in it. */
export interface CaseFigures {
  readonly protocol: string;
  readonly size: number;
  readonly callers: number;
  readonly legs: readonly LegFigures[];
}

const COLUMNS = ['p50', 'added', 'p99', 'added', 'CPU a call', 'added', 'calls/s'];

/** A table for people. */
export function print({ protocol, size, callers, legs }: CaseFigures): void {
  const at = callers === 1 ? 'one call at a time' : `${callers} at a time`;
  console.log(`\n${protocol}, ${size} B each way, ${at}; µs`);
  const names = legs.map(({ leg }) => LEGS.find((it) => it.id === leg)!.name);
  const width = Math.max(...names.map((it) => it.length));
  console.log(`  ${''.padEnd(width)}${COLUMNS.map((it) => it.padStart(11)).join('')}`);
  const direct = legs.find((it) => it.leg === 'direct')!;
  for (const [i, figures] of legs.entries()) {
    const cells = (['p50', 'p99', 'cpu'] as const).flatMap((key) => {
      const added = figures === direct ? '' : signed(figures[key] - direct[key]);
      return [figures[key].toFixed(1), added];
    });
    cells.push(figures.callsPerSecond.toFixed(0));
    const { wrong, lost } = figures;
    const faults = wrong + lost > 0 ? `  ${wrong} WRONG, ${lost} LOST of ${figures.calls}` : '';
    console.log(`  ${names[i]!.padEnd(width)}${cells.map((it) => it.padStart(11)).join('')}${faults}`);
  }
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
}
