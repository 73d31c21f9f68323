/** What a pick, a rule change and an endpoint cost: `node --expose-gc dist/bench/sim/costs.js`. Best of several runs. */
import { xxhash } from '../../adapters/engines/xxhash.js';
import { Cluster, type Peer } from '../../src/cluster/index.js';
import type { BalancerRule, EndpointRule } from '../../src/rules/index.js';
import { systemRuntime } from '../../src/runtime/index.js';
import { SimAttempt, simClusterRule, simEndpointRule } from './parts.js';

const PICKS = 200_000;
const runtime = systemRuntime();
const hash = await xxhash();
const attempts = Array.from(
  { length: 1024 },
  (_, i) => new SimAttempt(0, BigInt.asUintN(64, BigInt(i) * 0x9e3779b97f4a7c15n)),
);

const alike = () => 1;
const unlike = (i: number) => 1 + (i % 5);
const KINDS: readonly (readonly [string, BalancerRule, (i: number) => number])[] = [
  ['round robin', { kind: 'round-robin' }, alike],
  ['round robin, weights', { kind: 'round-robin' }, unlike],
  ['random', { kind: 'random' }, alike],
  ['random, weights', { kind: 'random' }, unlike],
  ['least request', { kind: 'least-request', choices: 2 }, alike],
  ['least request, weights', { kind: 'least-request', choices: 2 }, unlike],
  ['ring hash', { kind: 'ring-hash', minimumRingSize: 1024, maximumRingSize: 8 * 1024 * 1024 }, alike],
];

console.log(
  'pick and release'.padEnd(26),
  '10',
  '100',
  '1,000',
  '10,000 endpoints; bytes allocated a pick'.padStart(10),
);
for (const [name, balancer, weight] of KINDS) {
  const cells = [10, 100, 1000, 10_000].map((size) => {
    const cluster = makeCluster(balancer);
    cluster.setEndpoints(offer(size, weight));
    const { ns, bytes } = timePicks(cluster);
    return `${ns.toFixed(0)} ns ${bytes.toFixed(1)} B`.padStart(14);
  });
  console.log(name.padEnd(26), ...cells);
}

for (const size of [20, 10_000]) {
  const cluster = makeCluster({ kind: 'round-robin' });
  cluster.setEndpoints(offer(size, alike));
  const [same, reweighted, others] = [alike, unlike, alike].map((weight, i) =>
    best(10, () => {
      const list = offer(size, weight, i === 2 ? Math.floor(runtime.random() * 60_000) : 20880);
      const start = runtime.now();
      cluster.setEndpoints(list);
      return runtime.now() - start;
    }),
  );
  console.log(`change of ${size} endpoints, ms: the same ${same}, other weights ${reweighted}, all others ${others}`);
}

if (globalThis.gc !== undefined) {
  const list = offer(20_000, alike);
  const cluster = makeCluster({ kind: 'round-robin' }, idlePeer());
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  cluster.setEndpoints(list);
  cluster.pick(attempts[0]!)!.release();
  globalThis.gc();
  console.log(`bytes an endpoint, of 20,000: ${Math.round((process.memoryUsage().heapUsed - before) / 20_000)}`);
  cluster.close();
}

function makeCluster(balancer: BalancerRule, peer?: Peer): Cluster {
  return new Cluster(simClusterRule(balancer), { runtime, hash, peers: () => peer ?? idlePeer() });
}

function idlePeer(): Peer {
  return { ready: true, draining: false, checkout: () => undefined, withdraw() {}, release() {} };
}

function offer(size: number, weight: (i: number) => number, port = 20880): EndpointRule[] {
  return Array.from({ length: size }, (_, i) =>
    simEndpointRule(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, port, weight(i)),
  );
}

function timePicks(cluster: Cluster): { ns: number; bytes: number } {
  let ns = Number.POSITIVE_INFINITY;
  let bytes = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 8; run++) {
    const heap = process.memoryUsage().heapUsed;
    const start = runtime.now();
    for (let i = 0; i < PICKS; i++) cluster.pick(attempts[i & 1023]!)!.release();
    ns = Math.min(ns, ((runtime.now() - start) * 1e6) / PICKS);
    const grown = (process.memoryUsage().heapUsed - heap) / PICKS;
    if (grown >= 0) bytes = Math.min(bytes, grown);
  }
  return { ns, bytes };
}

function best(runs: number, run: () => number): string {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) least = Math.min(least, run());
  return least.toFixed(2);
}
