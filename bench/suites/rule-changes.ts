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

/**
 * What rules cost while calls run. All services are in use: what nobody calls is not compiled. CPU time, and the longest
 * stretch of it in one turn of the event loop.
 */
export const ruleChanges: Suite = {
  name: 'rule-changes',
  about: 'changes of rules, from what the source emits to calls that obey',
  budgets: true,
  async run() {
    return [
      ...(await oneChange(10)),
      ...(await oneChange(1000)),
      ...(await pushOfServices()),
      ...(await pushOfEndpoints('10,000 endpoints of 500 clusters', 500, 50)),
      ...(await pushOfEndpoints('1,000 clusters × 20 endpoints', 1000, 100)),
    ];
  },
};

/** Two clusters, and all routes change from one to the other. */
async function oneChange(routes: number): Promise<Row[]> {
  const to = (subset: string) => service('demo', routesByMethod(routes, clusterNameOf('demo', subset)));
  const clusters = ['a', 'b'].map((subset) => cluster('demo', { subset }));
  const made = await meshOf({ services: [to('a')], clusters, endpoints: [endpoints('demo', 10)] });
  const times: number[] = [];
  for (let i = 0; i < 60; i++) {
    const subset = i % 2 === 0 ? 'b' : 'a';
    const change = upserts({ services: [to(subset)] });
    made.call('demo');
    const begun = cpuNs();
    made.source.emit(change);
    while (!made.call('demo').endsWith(`|${subset}|demo`)) await turn();
    times.push((cpuNs() - begun) / 1e6);
  }
  const name = `a service of ${routes.toLocaleString('en')} routes`;
  const group = 'CPU from emission to the first call that obeys, median';
  return [{ group, name, value: median(times.slice(20)), unit: 'ms', limit: 5 }];
}

async function pushOfServices(): Promise<Row[]> {
  const hosts = Array.from({ length: 300 }, (_, i) => `service-${i}`);
  const of = (host: string, version: number): ServiceRule => {
    const routes = Array.from({ length: 5 }, (_, i) =>
      route(`${version}-${i}`, clusterNameOf(host), i === 4 ? undefined : `method${i}`),
    );
    return service(host, routes);
  };
  const made = await meshOf({
    services: hosts.map((host) => of(host, 0)),
    clusters: hosts.map((host) => cluster(host)),
    endpoints: hosts.map((host) => endpoints(host, 10)),
  });
  const push = (version: number) => upserts({ services: hosts.map((host) => of(host, version)) });
  return pushed('300 services × 5 routes', made, hosts, push, 50);
}

async function pushOfEndpoints(name: string, count: number, limit: number): Promise<Row[]> {
  const before = heldBytes();
  const hosts = Array.from({ length: count }, (_, i) => `service-${i}`);
  const made = await meshOf({
    services: hosts.map((host) => service(host, [route('all', clusterNameOf(host))])),
    clusters: hosts.map((host) => cluster(host)),
    endpoints: hosts.map((host) => endpoints(host, 20)),
  });
  for (const host of hosts) made.call(host);
  const held = (heldBytes() - before) / 1e6;
  const push = (version: number) =>
    upserts({ endpoints: hosts.map((host): EndpointsRule => endpoints(host, 20, version)) });
  const rows = await pushed(name, made, hosts, push, limit);
  const memory: Row = {
    group: 'held, rules included',
    name,
    value: held,
    unit: 'MB',
    ...(count === 1000 && { limit: 60 }),
  };
  return [...rows, memory];
}

/** CPU time until all is in force and compiled, and the longest turn of it. */
async function pushed(
  name: string,
  made: MeshOfRules,
  hosts: readonly string[],
  push: (version: number) => RuleChange[],
  limit: number,
): Promise<Row[]> {
  let least = Number.POSITIVE_INFINITY;
  let leastSlice = Number.POSITIVE_INFINITY;
  for (let version = 1; version <= TIMES; version++) {
    for (const host of hosts) made.call(host);
    const batch = push(version);
    await turn();
    const settled = made.settled();
    const begun = cpuNs();
    let longest = 0;
    let turnBegun = begun;
    made.source.emit(batch);
    for (;;) {
      const now = cpuNs();
      longest = Math.max(longest, now - turnBegun);
      if (settled()) break;
      turnBegun = now;
      await turn();
    }
    least = Math.min(least, (cpuNs() - begun) / 1e6);
    leastSlice = Math.min(leastSlice, longest / 1e6);
  }
  return [
    { group: 'CPU of a push', name, value: least, unit: 'ms', limit },
    {
      ...{ group: 'longest turn of a push', name, value: leastSlice, unit: 'ms', limit: SLICE_MS },
      known: 'a batch is taken in within one turn',
    },
  ];
}

interface MeshOfRules {
  readonly source: CodeSource;
  /** Makes a call; the cluster that it went to. */
  call(host: string): string;
  /** Tells whether all that the next push changes is in force. */
  settled(): () => boolean;
}

async function meshOf(rules: Parameters<typeof upserts>[0]): Promise<MeshOfRules> {
  const source = new CodeSource(upserts(rules));
  const mesh: Mesh = createMesh({ sources: [source], protocols: [dubbo] });
  const upstream = new StubUpstream(decoded(replyFrame()));
  const inner = mesh as unknown as {
    readonly peers: { acquire(): Peer };
    readonly work: { readonly idle: boolean };
  };
  inner.peers.acquire = () => upstream;
  await mesh.ready();
  const frame = requestFrame();
  return {
    source,
    call(host) {
      mesh.call({ host, port: PORT }, decoded(frame)).subscribe();
      return upstream.answerOldest();
    },
    settled: () => () => inner.work.idle,
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
