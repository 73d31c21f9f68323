import { type PerformanceEntry, PerformanceObserver, performance } from 'node:perf_hooks';
import { dubbo } from '../../adapters/protocols/dubbo/index.js';
import { createMesh, type Mesh } from '../../src/index.js';
import type { EndpointsRule, Peer, RuleChange, ServiceRule } from '../../src/spi.js';
import { decoded, replyFrame, requestFrame } from '../kit/frames.js';
import { cpuNs, heldBytes, median } from '../kit/measure.js';
import type { Row, Suite } from '../kit/row.js';
import {
  CodeSource,
  cluster,
  clusterNameOf,
  endpoints,
  PORT,
  route,
  routesByMethod,
  service,
  upserts,
} from '../kit/rules.js';
import { StubUpstream } from '../kit/stub-upstream.js';

/** How many times a push is made; the cheapest counts. */
const TIMES = 12;
const SLICE_MS = 5;
const TO_FIRST_CALL = 'CPU from emission to the first call that obeys, median';
const PUSH = 'CPU of a push';
const LONGEST = 'longest turn of a push';
const COLLECTING = 'longest turn of a push in which the garbage collector runs';
const HELD = 'held, rules included';

/**
 * What rules cost while calls run. Services are in use unless a row says otherwise: what nobody calls is not compiled. CPU
 * time of all threads, and the most of it in one turn of the event loop. Turns in which garbage is collected stand apart:
 * the collector takes up to 10 ms for the thousands of rules that a source has just made, whoever takes them in.
 */
export const ruleChanges: Suite = {
  name: 'rule-changes',
  about: 'changes of rules, from what the source emits to calls that obey',
  budgets: true,
  async run() {
    return [
      // What is held is measured while nothing else was made.
      ...(await pushOfEndpoints('1,000 clusters × 20 endpoints', 1000, 20, 100)),
      ...(await bigMesh()),
      ...(await oneChange(10)),
      ...(await oneChange(1000)),
      ...(await pushOfRoutes()),
      ...(await pushOfServices()),
      ...(await pushOfEndpoints('10,000 endpoints of 500 clusters', 500, 20, 50)),
      ...(await pushOfEndpoints('10,000 endpoints of one cluster', 1, 10_000, 50)),
    ];
  },
};

/** Two clusters, and all routes change from one to the other. */
async function oneChange(routes: number): Promise<Row[]> {
  const made = await meshOf(twoSubsets(routes));
  const value = median(await untilObeyed(made, routes));
  await made.close();
  const name = `a service of ${routes.toLocaleString('en')} routes`;
  return [{ group: TO_FIRST_CALL, name, value, unit: 'ms', limit: 5 }];
}

/** What a table costs that takes many slices. */
async function pushOfRoutes(): Promise<Row[]> {
  const made = await meshOf(twoSubsets(10_000));
  const push = (version: number) => upserts({ services: [toSubset(10_000, version % 2 === 0 ? 'a' : 'b')] });
  return pushed('a service of 10,000 routes', made, ['demo'], push);
}

function toSubset(routes: number, subset: string): ServiceRule {
  return service('demo', routesByMethod(routes, clusterNameOf('demo', subset)));
}

function twoSubsets(routes: number): Parameters<typeof upserts>[0] {
  const clusters = ['a', 'b'].map((subset) => cluster('demo', { subset }));
  return { services: [toSubset(routes, 'a')], clusters, endpoints: [endpoints('demo', 10)] };
}

async function untilObeyed(made: MeshOfRules, routes: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < 60; i++) {
    const subset = i % 2 === 0 ? 'b' : 'a';
    const change = upserts({ services: [toSubset(routes, subset)] });
    made.call('demo');
    await made.settled();
    const begun = cpuNs();
    made.source.emit(change);
    while (!made.call('demo').endsWith(`|${subset}|demo`)) await turn();
    times.push((cpuNs() - begun) / 1e6);
  }
  return times.slice(20);
}

async function pushOfServices(): Promise<Row[]> {
  const hosts = hostsOf(300);
  const of = (host: string, version: number): ServiceRule => {
    const routes = Array.from({ length: 5 }, (_, i) =>
      route(`${version}-${i}`, clusterNameOf(host), i === 4 ? undefined : `method${i}`),
    );
    return service(host, routes);
  };
  const made = await meshOf({
    services: hosts.map((host) => of(host, 0)),
    clusters: hosts.map((host) => cluster(host)),
    endpoints: hosts.map((host, i) => endpoints(host, 10, 0, i * 10)),
  });
  const push = (version: number) => upserts({ services: hosts.map((host) => of(host, version)) });
  return pushed('300 services × 5 routes', made, hosts, push, 50);
}

async function pushOfEndpoints(name: string, count: number, each: number, limit: number): Promise<Row[]> {
  const before = heldBytes();
  const hosts = hostsOf(count);
  const of = (version: number) => hosts.map((host, i): EndpointsRule => endpoints(host, each, version, i * each));
  const made = await meshOf({
    services: hosts.map((host) => service(host, [route('all', clusterNameOf(host))])),
    clusters: hosts.map((host) => cluster(host)),
    endpoints: of(0),
  });
  for (const host of hosts) made.call(host);
  const held = (heldBytes() - before) / 1e6;
  const rows = await pushed(name, made, hosts, (version) => upserts({ endpoints: of(version) }), limit);
  return count === 1000 ? [...rows, { group: HELD, name, value: held, unit: 'MB', limit: 60 }] : rows;
}

/** Services that nobody calls, and one that somebody does. */
async function bigMesh(): Promise<Row[]> {
  const name = '10,000 services × 5 endpoints, idle';
  const before = heldBytes();
  const hosts = hostsOf(10_000);
  const rules = upserts({
    services: [...hosts.map((host) => service(host, [route('all', clusterNameOf(host))])), toSubset(10, 'a')],
    clusters: [...hosts, 'demo'].map((host) => cluster(host)).concat(twoSubsets(10).clusters!),
    endpoints: [...hosts.map((host, i) => endpoints(host, 5, 0, i * 5)), endpoints('demo', 10, 1)],
  });
  const source = new CodeSource([]);
  const made = await meshOf({}, source);
  const first = await timed(made, rules);
  const held = (heldBytes() - before) / 1e6;
  const one = median(await untilObeyed(made, 10));
  const gone = await timed(
    made,
    hosts.flatMap((host): RuleChange[] => [
      { type: 'remove', kind: 'service', key: `${host}_${PORT}` },
      { type: 'remove', kind: 'cluster', key: clusterNameOf(host) },
      { type: 'remove', kind: 'endpoints', key: `${host}_${PORT}` },
    ]),
  );
  await made.close();
  return [
    { group: TO_FIRST_CALL, name: 'a service of 10 routes among 10,000 idle ones', value: one, unit: 'ms', limit: 5 },
    { group: 'CPU of a push, once and cold', name, value: first.total, unit: 'ms' },
    { group: 'CPU of a push, once and cold', name: 'their removal', value: gone.total, unit: 'ms' },
    { group: HELD, name, value: held, unit: 'MB' },
  ];
}

/** CPU time until all is in force and tidied up, and the longest turn of it. */
async function pushed(
  name: string,
  made: MeshOfRules,
  hosts: readonly string[],
  push: (version: number) => RuleChange[],
  limit?: number,
): Promise<Row[]> {
  const pushes: Timed[] = [];
  for (let version = 1; version <= TIMES; version++) {
    for (const host of hosts) made.call(host);
    pushes.push(await timed(made, push(version)));
  }
  await made.close();
  const least = (of: (push: Timed) => number) => Math.min(...pushes.map(of));
  return [
    { group: PUSH, name, value: least((it) => it.total), unit: 'ms', ...(limit !== undefined && { limit }) },
    { group: LONGEST, name, value: least((it) => it.longest), unit: 'ms', limit: SLICE_MS },
    { group: COLLECTING, name, value: median(pushes.map((it) => it.collecting)), unit: 'ms' },
  ];
}

/** In ms of CPU. */
interface Timed {
  readonly total: number;
  /** Of the turns without a collection. */
  readonly longest: number;
  /** Of those with one. */
  readonly collecting: number;
}

async function timed(made: MeshOfRules, batch: readonly RuleChange[]): Promise<Timed> {
  const collections: PerformanceEntry[] = [];
  const observer = new PerformanceObserver((list) => void collections.push(...list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  const turns: { readonly from: number; to: number; cpu: number }[] = [];
  await turn();
  const begun = cpuNs();
  for (let before = begun; turns.length === 0 || !made.idle(); ) {
    const one = { from: performance.now(), to: 0, cpu: 0 };
    turns.push(one);
    if (turns.length === 1) made.source.emit(batch);
    else await turn();
    one.to = performance.now();
    const now = cpuNs();
    one.cpu = (now - before) / 1e6;
    before = now;
  }
  const total = (cpuNs() - begun) / 1e6;
  // The observer is told in a turn of its own.
  for (let i = 0; i < 5; i++) await turn();
  observer.disconnect();
  const collected = ({ from, to }: { from: number; to: number }) =>
    collections.some(({ startTime, duration }) => startTime <= to && startTime + duration >= from);
  const most = (some: readonly { cpu: number }[]) => Math.max(0, ...some.map(({ cpu }) => cpu));
  return {
    total,
    longest: most(turns.filter((it) => !collected(it))),
    collecting: most(turns.filter(collected)),
  };
}

interface MeshOfRules {
  readonly source: CodeSource;
  /** Makes a call; the cluster that it went to. */
  call(host: string): string;
  /** Is nothing left to do of the changes that came? */
  idle(): boolean;
  settled(): Promise<void>;
  close(): Promise<void>;
}

async function meshOf(rules: Parameters<typeof upserts>[0], source = new CodeSource(upserts(rules))) {
  const mesh: Mesh = createMesh({ sources: [source], protocols: [dubbo] });
  const upstream = new StubUpstream(decoded(replyFrame()));
  const inner = mesh as unknown as {
    readonly peers: { acquire(): Peer };
    readonly work: { readonly idle: boolean };
  };
  inner.peers.acquire = () => upstream;
  await mesh.ready();
  const frame = requestFrame();
  const idle = () => inner.work.idle;
  const made: MeshOfRules = {
    source,
    call(host) {
      mesh.call({ host, port: PORT }, decoded(frame)).subscribe();
      return upstream.answerOldest();
    },
    idle,
    async settled() {
      while (!idle()) await turn();
    },
    close: () => mesh.close({ drainMs: 0 }),
  };
  await made.settled();
  return made;
}

function hostsOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `service-${i}`);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
