import { Edge } from '../kit/edge.js';
import { requestFrame } from '../kit/frames.js';
import { cpuOf, heldBytes } from '../kit/measure.js';
import { type Row, type Suite, us } from '../kit/row.js';
import { fullRules, stubMesh } from '../kit/stub-mesh.js';

const frame = requestFrame();
/** Calls that wait, with how much dearer another call may be then. */
const WAITING = [
  [1_000, 2],
  [10_000, 3],
] as const;

/** The full plan while others wait: what survives young collections is copied by them. */
export const inFlight: Suite = {
  name: 'in-flight',
  about: 'the full plan while calls wait for their replies',
  budgets: true,
  async run() {
    const group = 'CPU a call; ratio to one call at a time';
    const alone = 'one call at a time';
    const subjects = [{ name: alone, run: new Edge(await stubMesh(fullRules()), frame).run }];
    for (const [waiting] of WAITING) {
      const edge = new Edge(await stubMesh(fullRules()), frame);
      for (let i = 0; i < waiting; i++) edge.request();
      subjects.push({ name: nameOf(waiting), run: edge.run });
    }
    // As many calls a block as wait at most, at least: each block replaces every waiting call.
    const cpu = await cpuOf(subjects.map((it) => ({ ...it, count: 20_000 })));
    const base = cpu.get(alone)!;
    const rows: Row[] = [{ group, name: alone, value: us(base), unit: 'µs', ratio: 1 }];
    for (const [waiting, times] of WAITING) {
      const ns = cpu.get(nameOf(waiting))!;
      rows.push({ group, name: nameOf(waiting), value: us(ns), unit: 'µs', ratio: ns / base });
      rows.push({ group: 'times dearer', name: nameOf(waiting), value: ns / base, unit: '×', limit: times });
    }
    rows.push({ group: 'held', name: 'a pending call', value: await heldByCall(), unit: 'B', limit: 1536 });
    return rows;
  },
};

function nameOf(waiting: number): string {
  return `${waiting.toLocaleString('en')} others wait`;
}

async function heldByCall(): Promise<number> {
  const count = 10_000;
  const edge = new Edge(await stubMesh(fullRules()), frame);
  edge.run(count);
  const before = heldBytes();
  for (let i = 0; i < count; i++) edge.request();
  return (heldBytes() - before) / count;
}
