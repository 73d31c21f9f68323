import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { opossum } from '../../adapters/engines/opossum.js';
import { dubbo } from '../../adapters/protocols/dubbo/index.js';
import { startPeer } from '../../examples/demo/peers/start-peer.js';
import { createMesh } from '../../src/index.js';
import { RawClient } from '../kit/echo.js';
import { decoded, requestFrame } from '../kit/frames.js';
import { quantile } from '../kit/measure.js';
import { PROCESSES } from '../kit/programs.js';
import type { Row, Suite } from '../kit/row.js';
import { CodeSource, cluster, endpoints, upserts } from '../kit/rules.js';
import { DESTINATION, fullServices, HOST, plainServices } from '../kit/stub-mesh.js';

const CALLS = 1000;
const ROUNDS = 16;
const WARM_UP = 5;

type Call = () => Promise<void>;

/**
 * What a caller waits longer. One call at a time; legs alternate block by block, the order turned round each time, and of all blocks
 * of a leg the least median and the least p99 count. All processes share one core where `taskset` is there: on several, whether the
 * kernel puts two of them on one is worth more than anything measured here. `direct` is measured twice, for the noise.
 */
export const rpc: Suite = {
  name: 'rpc',
  about: 'a Dubbo call of 285 bytes to another process over loopback, one at a time',
  budgets: true,
  async run() {
    const packed = packOnOneCore();
    const provider = await startPeer(PROCESSES, ['provider']);
    const proxy = await startPeer(PROCESSES, ['proxy', String(provider.port)]);
    const plain = await meshTo(provider.port, 'plain');
    const full = await meshTo(provider.port, 'full');
    const legs: [string, Call][] = [
      ['direct', await bySocket(provider.port)],
      ['direct again (noise)', await bySocket(provider.port)],
      ['a Node proxy that passes bytes through', await bySocket(proxy.port)],
      ['mesh.call, plain plan', byCall(plain)],
      ['mesh.call, full plan', byCall(full)],
      ['mesh.connect, plain plan', byStream(plain)],
      ['mesh.connect, full plan', byStream(full)],
    ];
    const latencies = await alternate(legs);
    await Promise.all([provider.stop(), proxy.stop()]);
    return rowsOf(latencies, packed);
  },
};

function rowsOf(latencies: Map<string, { p50: number; p99: number }>, packed: boolean): Row[] {
  const direct = latencies.get('direct')!;
  const where = packed ? 'all processes on one core' : 'processes where the kernel puts them';
  const rows: Row[] = [];
  for (const share of ['p50', 'p99'] as const) {
    for (const [name, figures] of latencies) {
      const ratio = figures[share] / direct[share];
      rows.push({ group: `${share}; ratio to direct; ${where}`, name, value: figures[share], unit: 'µs', ratio });
    }
  }
  // The slack is for noise, as `direct again` shows it.
  for (const [share, limit, slack] of [
    ['p50', 10, 1],
    ['p99', 50, 25],
  ] as const) {
    for (const [name, figures] of latencies) {
      if (name === 'direct') continue;
      const added = figures[share] - direct[share];
      const held = name === 'mesh.call, plain plan' && { limit, slack };
      rows.push({ group: `added to ${share}`, name, value: added, unit: 'µs', ...held });
    }
  }
  return rows;
}

/** Of each leg, in µs. */
async function alternate(legs: [string, Call][]): Promise<Map<string, { p50: number; p99: number }>> {
  const best = new Map(legs.map(([name]) => [name, { p50: Infinity, p99: Infinity }]));
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    for (const [name, call] of round % 2 === 0 ? legs : legs.toReversed()) {
      const each = new Float64Array(CALLS);
      for (let i = 0; i < CALLS; i++) {
        const before = performance.now();
        await call();
        each[i] = (performance.now() - before) * 1000;
      }
      if (round < WARM_UP) continue;
      const least = best.get(name)!;
      least.p50 = Math.min(least.p50, quantile([...each], 0.5));
      least.p99 = Math.min(least.p99, quantile([...each], 0.99));
    }
  }
  return best;
}

async function meshTo(port: number, plan: 'plain' | 'full') {
  const own = { ...endpoints(HOST, 1).endpoints[0]!, address: '127.0.0.1', port };
  const source = new CodeSource(
    upserts({
      services: plan === 'plain' ? plainServices() : fullServices(),
      clusters: [cluster(HOST)],
      endpoints: [{ ...endpoints(HOST, 1), endpoints: [own] }],
    }),
  );
  const mesh = createMesh({ sources: [source], protocols: [dubbo], engines: { breaker: opossum() } });
  await mesh.ready();
  return mesh;
}

async function bySocket(port: number): Promise<Call> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return byClient(new RawClient(socket));
}

type Mesh = Awaited<ReturnType<typeof meshTo>>;

function byStream(mesh: Mesh): Call {
  return byClient(new RawClient(mesh.connect(DESTINATION.host, DESTINATION.port)));
}

function byClient(client: RawClient): Call {
  const frame = requestFrame();
  return () => new Promise((resolve) => client.call(frame, resolve));
}

function byCall(mesh: Mesh): Call {
  const frame = requestFrame();
  return () =>
    new Promise((resolve, reject) => {
      mesh.call(DESTINATION, decoded(frame)).subscribe({ error: reject, complete: resolve });
    });
}

/** This process, and so those that it starts. False where there is no `taskset`. */
function packOnOneCore(): boolean {
  try {
    execFileSync('taskset', ['-a', '-p', '-c', '0', String(process.pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
