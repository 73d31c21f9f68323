import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ROOT } from '../kit/programs.js';
import type { Row, Suite } from '../kit/row.js';

const MODULES = ['rxjs', 'meltemi', 'meltemi/dubbo', 'meltemi/metards', 'meltemi/node'];
const RUNS = 7;

/** In fresh processes, one after the other in turn; the quickest counts. */
export const imports: Suite = {
  name: 'imports',
  about: 'loading modules into a fresh process',
  budgets: true,
  async run() {
    const best = new Map<string, number>();
    for (let run = 0; run < RUNS; run++) {
      for (const module of MODULES) best.set(module, Math.min(best.get(module) ?? Infinity, await importMs(module)));
    }
    const rxjs = best.get('rxjs')!;
    const group = 'import; ratio to rxjs';
    const rows: Row[] = MODULES.map((name) => {
      const value = best.get(name)!;
      return { group, name, value, unit: 'ms', ratio: value / rxjs };
    });
    const against = (name: string, limit: number): Row => {
      return { group: 'times that of rxjs', name, value: best.get(name)! / rxjs, unit: '×', limit };
    };
    return [...rows, against('meltemi', 0.9), against('meltemi/node', 1.4)];
  },
};

async function importMs(module: string): Promise<number> {
  const script = `const t = process.cpuUsage(); await import('${module}'); const { user, system } = process.cpuUsage(t); console.log(user + system); process.exit()`;
  const args = ['--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  return Number(stdout) / 1000;
}
