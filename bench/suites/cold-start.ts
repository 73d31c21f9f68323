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

const RUNS = 12;
const SERVICES = 300;

/** Each with a `start`. */
const PROGRAMS = {
  'createMesh, with Dubbo alone': `
    import { createMesh } from 'meltemi';
    import { dubbo } from 'meltemi/dubbo';
    import { lastGoodFiles } from 'meltemi/spi';
    const start = (directory, source) =>
      createMesh({ sources: [source], protocols: [dubbo], lastGood: lastGoodFiles({ directory }) });`,
  'startMesh, with its defaults': `
    import { startMesh } from 'meltemi/node';
    const start = (directory, source) => startMesh({ lastGood: directory }, { sources: [source] });`,
};

/** Wanted are 200 ms: the rest is for machines that are slower than the reference loop says. */
const LIMIT_MS = 150;

/**
 * With a control plane that never answers. Fresh processes, one after the other in turn; the quickest counts. CPU time is that of
 * all threads: some 30 ms of it are the compiler's and the collector's, on another core if there is one.
 */
export const coldStart: Suite = {
  name: 'cold-start',
  about: `the first call of a process, by last-good rules of ${SERVICES} services × 5 routes`,
  budgets: true,
  async run() {
    const directory = await mkdtemp(join(tmpdir(), 'meltemi-bench-'));
    const provider = await startPeer(PROCESSES, ['provider']);
    const rules = storedRules(provider.port);
    await lastGoodFiles({ directory }).save('bench', { version: undefined, savedAt: 0, rules });
    const programs = Object.entries(PROGRAMS).map(([name, program]) => ({ name, program, calls: [] as FirstCall[] }));
    for (let run = 0; run < RUNS; run++) {
      for (const { program, calls } of programs) calls.push(await firstCall(program, directory));
    }
    const rows = programs.flatMap(({ name, calls }): Row[] => {
      const row = (group: string, of: (call: FirstCall) => number): Row => {
        return { group, name, value: Math.min(...calls.map(of)), unit: 'ms' };
      };
      return [
        { ...row('CPU from there to the answer', (it) => it.answered.cpu - it.loaded.cpu), limit: LIMIT_MS },
        row('time from there to the answer', (it) => it.answered.time - it.loaded.time),
        row('CPU until then: Node and modules', (it) => it.loaded.cpu),
      ];
    });
    await Promise.all([provider.stop(), rm(directory, { recursive: true })]);
    return rows.sort((a, b) => (a.group < b.group ? -1 : 1));
  },
};

/** In ms since the process was started. */
interface Moment {
  readonly cpu: number;
  readonly time: number;
}

interface FirstCall {
  readonly loaded: Moment;
  readonly answered: Moment;
}

async function firstCall(program: string, directory: string): Promise<FirstCall> {
  const script = `
    import { dubboClient } from 'meltemi/dubbo';
    ${program}
    const moment = () => {
      const { user, system } = process.cpuUsage();
      return { cpu: (user + system) / 1000, time: performance.now() };
    };
    // A whole rxjs would be loaded for NEVER.
    const silent = { subscribe: () => ({ unsubscribe() {} }) };
    const loaded = moment();
    const mesh = await start(${JSON.stringify(directory)}, { name: 'bench', precedence: 200, watch: () => silent });
    const demo = dubboClient(mesh, { host: 'host-0', port: ${PORT}, interface: '${INTERFACE}' });
    await demo.call('sayHello', ['x']);
    console.log(JSON.stringify({ loaded, answered: moment() }));
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
