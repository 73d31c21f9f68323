import { measure } from 'mitata';
import { RouteTable } from '../../src/routing/index.js';
import { kept } from '../kit/measure.js';
import { type Row, type Suite, us } from '../kit/row.js';
import { clusterNameOf, routesByMethod } from '../kit/rules.js';

const SIZES = [10, 1_000, 10_000];

/** Any of them is asked for, each as often as another. */
export const routing: Suite = {
  name: 'routing',
  about: 'finding the route of a call by an exact attribute',
  budgets: true,
  async run() {
    const rows: Row[] = [];
    const scan = await scanTen();
    for (const size of SIZES) {
      const ns = await lookup(size);
      rows.push({
        group: 'a look-up; ratio to a scan of 10 routes',
        name: `${size.toLocaleString('en')} routes`,
        value: us(ns),
        unit: 'µs',
        ratio: ns / scan,
        limit: 1,
      });
    }
    return rows;
  },
};

async function lookup(size: number): Promise<number> {
  const rules = routesByMethod(size, clusterNameOf('demo'));
  const table = new RouteTable(rules);
  const sources = sourcesOf(rules.map((rule) => rule.name.slice('route-'.length)));
  let next = 0;
  const stats = await measure(() => {
    kept.value = table.match(sources[next++ & 1023]!);
  });
  return stats.min;
}

/** What a loop over ten conditions costs: the baseline. */
async function scanTen(): Promise<number> {
  const names = Array.from({ length: 10 }, (_, i) => `method${i}`);
  const sources = sourcesOf(names);
  let next = 0;
  const stats = await measure(() => {
    const method = sources[next++ & 1023]!.getLower('method');
    for (let i = 0; i < names.length; i++) {
      if (names[i] === method) {
        kept.value = i;
        break;
      }
    }
  });
  return stats.min;
}

function sourcesOf(methods: readonly string[]) {
  return Array.from({ length: 1024 }, (_, i) => {
    const method = methods[(i * 7919) % methods.length]!;
    return { getLower: (key: string) => (key === 'method' ? method : undefined) };
  });
}
