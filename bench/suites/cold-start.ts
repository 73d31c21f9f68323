import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startPeer } from '../../examples/demo/peers/start-peer.js';
import { lastGoodFiles, type RuleUpsert } from '../../src/spi.js';
import { INTERFACE } from '../kit/frames.js';
import { PROCESSES, ROOT } from '../kit/programs.js';
import type { Row, Suite } from '../kit/row.js';
import { cluster, clusterNameOf, endpoints, PORT, routesByMethod, service, upserts } from '../kit/rules.js';

const RUNS = 7;
const SERVICES = 300;

/** Each with a `start`. */
const PROGRAMS = {
  'createMesh, with Dubbo alone': `
    import { createMesh } from 'meltemi';
    import { dubbo } from 'meltemi/dubbo';
    import { lastGoodFiles } from 'meltemi/spi';
    const start = (directory, source) =>
      createMesh({ sources: [source], protocols: [dubbo], lastGood: lastGoodFiles({ directory }) });`,
  'startMesh, with all engines': `
    import { startMesh } from 'meltemi/node';
    const start = (directory, source) => startMesh({ lastGood: directory }, { sources: [source] });`,
};

/** With a control plane that never answers. CPU time of fresh processes, one after the other; the quickest counts. */
export const coldStart: Suite = {
  name: 'cold-start',
  about: `the first call of a process, by last-good rules of ${SERVICES} services × 5 routes`,
  budgets: true,
  async run() {
    const directory = await mkdtemp(join(tmpdir(), 'meltemi-bench-'));
    const provider = await startPeer(PROCESSES, ['provider']);
    const rules = storedRules(provider.port);
    await lastGoodFiles({ directory }).save('bench', { version: undefined, savedAt: 0, rules });
    const rows: Row[] = [];
    for (const [name, program] of Object.entries(PROGRAMS)) {
      const runs: FirstCall[] = [];
      for (let run = 0; run < RUNS; run++) runs.push(await firstCall(program, directory));
      const whole = Math.min(...runs.map(({ answered }) => answered));
      const ours = Math.min(...runs.map(({ loaded, answered }) => answered - loaded));
      rows.push({ group: 'CPU from there to the answer', name, value: ours, unit: 'ms', limit: 200 });
      rows.push({ group: 'the same with all before it: Node, rxjs, modules', name, value: whole, unit: 'ms' });
    }
    await Promise.all([provider.stop(), rm(directory, { recursive: true })]);
    return rows.sort((a, b) => (a.group < b.group ? -1 : 1));
  },
};

interface FirstCall {
  readonly loaded: number;
  readonly answered: number;
}

async function firstCall(program: string, directory: string): Promise<FirstCall> {
  const script = `
    import { dubboClient } from 'meltemi/dubbo';
    import { NEVER } from 'rxjs';
    ${program}
    const cpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
    const loaded = cpu();
    const mesh = await start(${JSON.stringify(directory)}, { name: 'bench', precedence: 200, watch: () => NEVER });
    const demo = dubboClient(mesh, { host: 'host-0', port: ${PORT}, interface: '${INTERFACE}' });
    await demo.call('sayHello', ['x']);
    console.log(JSON.stringify({ loaded, answered: cpu() }));
    process.exit();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT });
  return JSON.parse(stdout);
}

function storedRules(port: number): RuleUpsert[] {
  const hosts = Array.from({ length: SERVICES }, (_, i) => `host-${i}`);
  const changes = upserts({
    services: hosts.map((host) => service(host, routesByMethod(5, clusterNameOf(host)))),
    clusters: hosts.map((host) => cluster(host)),
    endpoints: hosts.map((host) => {
      const set = endpoints(host, 10);
      return host === 'host-0' ? { ...set, endpoints: [{ ...set.endpoints[0]!, address: '127.0.0.1', port }] } : set;
    }),
  });
  return changes.filter((change): change is RuleUpsert => change.type === 'upsert');
}
