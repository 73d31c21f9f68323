import { afterEach } from '@jest/globals';
import type { Mesh, MeshOptions } from '../../src/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { demoService, router, type World, world } from './support.js';

export const HOSTS = ['10.0.0.1', '10.0.0.2'];
export const V1 = 'outbound|9000|v1|demo.test';
export const V2 = 'outbound|9000|v2|demo.test';
export const toV1 = router('routes: [{ name: r, route: [{ destination: { host: demo.test, subset: v1 } }] }]');

/** Run after each test of a file that imports this, last first. */
export const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

export interface Scene extends World {
  readonly runtime: ManualRuntime;
  readonly backend: Backend;
}

/** `demo.test` with more rules, in a mesh whose time stands still, and servers that answer when told. */
export async function scene(yaml: string, options: Partial<MeshOptions> = {}, seed = 1): Promise<Scene> {
  const runtime = (options.runtime as ManualRuntime | undefined) ?? new ManualRuntime(seed);
  const it = world(demoService + yaml, { ...options, runtime });
  const backend = new Backend(it, ...HOSTS);
  closing.push(() => close(it.mesh, runtime));
  await it.mesh.ready();
  return { ...it, runtime, backend };
}

/** A request that came to a {@link Backend}. */
export interface Arrived {
  readonly host: string;
  readonly payload: string;
  /** Once; later ones are replies that nobody asked for. */
  reply(payload?: string): void;
}

/** Servers that leave each request to the test. */
export class Backend {
  /** In order, those that the test has been given included. */
  readonly all: Arrived[] = [];
  /** From now on each is answered at once, with host and payload. */
  echo = false;
  #given = 0;
  #waiter: (() => void) | undefined;

  constructor(world: World, ...hosts: readonly string[]) {
    for (const host of hosts) {
      world.server(host, (payload, later) => {
        if (this.echo) return `${host} ${payload}`;
        this.all.push({ host, payload, reply: (answer = `${host} ${payload}`) => later(answer) });
        this.#waiter?.();
        return undefined;
      });
    }
  }

  /** The oldest that the test has not been given yet; waits for it. */
  async next(): Promise<Arrived> {
    while (this.#given === this.all.length) {
      await new Promise<void>((resolve) => {
        this.#waiter = resolve;
      });
    }
    return this.all[this.#given++]!;
  }

  /** Those not given yet. */
  get waiting(): number {
    return this.all.length - this.#given;
  }
}

/** Streams in memory move on by ticks: after a turn of the event loop what is under way has arrived. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Closes a mesh whose time stands still. */
export async function close(mesh: Mesh, runtime: ManualRuntime): Promise<void> {
  let closed = false;
  void mesh.close({ drainMs: 0 }).then(() => {
    closed = true;
  });
  while (!closed) await runtime.advanceAsync(0);
}

/** Sum of a metric's samples that have these labels. */
export function count(mesh: Mesh, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const metric = mesh.metrics().find((it) => it.name === name);
  if (metric === undefined) throw new Error(`no metric ${name}`);
  const wanted = Object.entries(labels);
  return metric.samples
    .filter((sample) => wanted.every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + (typeof value === 'number' ? value : value.count), 0);
}

/** Nothing is under way, by any count. */
export function quiet(mesh: Mesh): Record<string, number> {
  const endpoints = mesh.status.clusters.flatMap((cluster) => cluster.endpoints);
  return {
    calls: mesh.status.activeCalls,
    requests: count(mesh, 'requests_active'),
    attempts: count(mesh, 'upstream_rq_active'),
    inflight: endpoints.reduce((sum, it) => sum + it.inflight, 0),
  };
}

export const QUIET = { calls: 0, requests: 0, attempts: 0, inflight: 0 };

/** Lets time pass until the promise is settled. */
export async function meanwhile<T>(runtime: ManualRuntime, promise: Promise<T>): Promise<T> {
  let over = false;
  const end = () => {
    over = true;
  };
  promise.then(end, end);
  for (let i = 0; i < 1000 && !over; i++) {
    await turn();
    runtime.advance(1);
  }
  return promise;
}

/** How much a mesh holds on to, inside: what must not grow. */
export function sizes(mesh: Mesh): Record<string, number> {
  const it = mesh as never as {
    services: {
      state: { size: number };
      plans: Map<string, unknown>;
      ready: Map<string, unknown>;
      stale: Set<string>;
      successions: unknown[];
    };
    telemetry: { meters: Record<'services' | 'routes' | 'clusters' | 'endpoints', () => Iterable<unknown>> };
    clusters: Iterable<unknown> & {
      byName: Map<string, unknown>;
      byEndpoints: Map<string, unknown>;
      changing: Set<unknown>;
    };
    peers: Iterable<unknown>;
    adoption: { held: Map<string, unknown>; clusters: Map<string, unknown>; services: Map<string, unknown> };
    ruleChanges: { adoptions: { observers: unknown[] }; versions: { observers: unknown[] } };
    work: { idle: boolean };
    outbound: {
      targets: Map<string, unknown>;
      hold: { held: Set<unknown> };
      parts: { singles: { plans: Map<unknown, unknown> } };
    };
    placements: { unsettled: Set<unknown> };
    streams: { waiting: Set<unknown> };
    edges: { streams: Set<unknown>; listeners: Set<unknown> };
  };
  const { services, telemetry, clusters, peers, adoption, ruleChanges, work, outbound } = it;
  const { meters } = telemetry;
  return {
    state: services.state.size,
    plans: services.plans.size,
    ready: services.ready.size,
    stale: services.stale.size,
    successions: services.successions.length,
    working: Number(!work.idle),
    serviceMeters: [...meters.services()].length,
    routeMeters: [...meters.routes()].length,
    clusterMeters: [...meters.clusters()].length,
    endpointMeters: [...meters.endpoints()].length,
    clusters: [...clusters].length,
    byName: clusters.byName.size,
    byEndpoints: clusters.byEndpoints.size,
    changing: clusters.changing.size,
    peers: [...peers].length,
    held: adoption.held.size,
    adoptedClusters: adoption.clusters.size,
    adoptedServices: adoption.services.size,
    observers: ruleChanges.adoptions.observers.length + ruleChanges.versions.observers.length,
    targets: outbound.targets.size,
    singles: outbound.parts.singles.plans.size,
    unsettled: it.placements.unsettled.size,
    waitingStreams: it.streams.waiting.size,
    heldCalls: outbound.hold.held.size,
    streams: it.edges.streams.size,
    listeners: it.edges.listeners.size,
  };
}
