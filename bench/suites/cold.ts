import { setTimeout as sleep } from 'node:timers/promises';
import { Edge } from '../kit/edge.js';
import { requestFrame } from '../kit/frames.js';
import { cpuOf, median } from '../kit/measure.js';
import { type Row, type Suite, us } from '../kit/row.js';
import { fullRules, stubMesh } from '../kit/stub-mesh.js';

const CALLS_A_SECOND = 1000;

/** The first second of a process that makes a call each millisecond. Runs in a fresh process, as every suite does. */
export const cold: Suite = {
  name: 'cold',
  about: "the full plan in a process's first second, 1,000 calls a second",
  budgets: false,
  async run() {
    const edge = new Edge(await stubMesh(fullRules()), requestFrame());
    const begun = performance.now();
    const each: number[] = [];
    while (each.length < CALLS_A_SECOND) {
      const due = Math.min(CALLS_A_SECOND, Math.floor(performance.now() - begun));
      while (each.length < due) {
        const before = performance.now();
        edge.run(1);
        each.push((performance.now() - before) * 1e6);
      }
      await sleep(1);
    }
    const hot = (await cpuOf([{ name: 'hot', run: edge.run }])).get('hot')!;
    const group = 'time a call; ratio to hot';
    const row = (name: string, ns: number): Row => ({ group, name, value: us(ns), unit: 'µs', ratio: ns / hot });
    return [
      row('the first call', each[0]!),
      row('the first 100, median', median(each.slice(0, 100))),
      row('the first second, median', median(each)),
      row('the last 100 of the first second, median', median(each.slice(-100))),
      row('hot', hot),
    ];
  },
};
