import { opossum } from '../../adapters/engines/opossum.js';
import { dubbo } from '../../adapters/protocols/dubbo/index.js';
import type { Dispatcher } from '../../src/call/index.js';
import { createMesh, type Mesh, type MeshOptions } from '../../src/index.js';
import type { Peer, ServiceRule } from '../../src/spi.js';
import { decoded, replyFrame } from './frames.js';
import { CodeSource, cluster, clusterNameOf, endpoints, PORT, routesByMethod, service, upserts } from './rules.js';
import { StubUpstream } from './stub-upstream.js';

export const HOST = 'demo';
export const DESTINATION = { host: HOST, port: PORT };

export interface StubMesh {
  readonly mesh: Mesh;
  readonly source: CodeSource;
  readonly upstream: StubUpstream;
  /** What an edge that decodes messages hands them to. */
  readonly dispatcher: Dispatcher;
}

/**
 * A real mesh with a stub for a wire. Two private fields of the mesh are reached into, to put the stub where peers are
 * made, and to stand where the serve loop stands; all between is what users run.
 */
export async function stubMesh(source: CodeSource, options: Partial<MeshOptions> = {}): Promise<StubMesh> {
  const mesh = createMesh({ sources: [source], protocols: [dubbo], engines: { breaker: opossum() }, ...options });
  const upstream = new StubUpstream(decoded(replyFrame()));
  const inner = mesh as unknown as {
    readonly peers: { acquire(): Peer };
    readonly outbound: { target(destination: typeof DESTINATION): unknown; dispatcher(target: unknown): Dispatcher };
  };
  inner.peers.acquire = () => upstream;
  await mesh.ready();
  return { mesh, source, upstream, dispatcher: inner.outbound.dispatcher(inner.outbound.target(DESTINATION)) };
}

const CLUSTER = clusterNameOf(HOST);
const LIMITS = { ...cluster(HOST).limits, maxRequests: 100_000 };

function sourceOf(services: readonly ServiceRule[]): CodeSource {
  const clusters = [cluster(HOST, { limits: LIMITS })];
  return new CodeSource(upserts({ services, clusters, endpoints: [endpoints(HOST, 10)] }));
}

/** 1,000 routes by method, the last of them asked for; ten endpoints; a limit, a pick, counters. */
export function plainRules(): CodeSource {
  return sourceOf(plainServices());
}

export function plainServices(): ServiceRule[] {
  return [service(HOST, routesByMethod(1000, CLUSTER))];
}

/**
 * The same with every stage that a call of a busy route can have: deadline, fallback, rate limit, mirror (one in a million),
 * retry, breaker, concurrency, balance, outlier, counters, attempt timeout, mutations both ways, and what Dubbo stamps.
 * Not pacing, which is for routes of less than 100 calls a second.
 */
export function fullRules(): CodeSource {
  return sourceOf(fullServices());
}

export function fullServices(): ServiceRule[] {
  const bucket = { maxTokens: 1e12, tokensPerFill: 1e12, fillIntervalMs: 1000 };
  const budget = { percent: 20, minPerSecond: 10, ttlMs: 10_000 };
  const policy = {
    timeoutMs: 3000,
    attemptTimeoutMs: 1000,
    retry: { attempts: 3, backoffBaseMs: 5, backoffMaxMs: 50, idempotent: true, budget },
    circuitBreaker: { errorPercent: 50, minimumCalls: 20, windowMs: 10_000, openMs: 5000 },
    rateLimit: { bucket, conditions: [] },
    fallback: { on: ['CIRCUIT_OPEN'], cluster: CLUSTER },
    outlier: {
      consecutiveErrors: 5,
      intervalMs: 10_000,
      baseEjectionMs: 30_000,
      maxEjectionMs: 300_000,
      maxEjectionPercent: 10,
      minHealthPercent: 0,
    },
  } as const;
  const routes = routesByMethod(1000, CLUSTER, {
    mirrors: [{ cluster: CLUSTER, perMillion: 1 }],
    requestMutation: [['env', 'prod']],
    responseMutation: [['via', 'meltemi']],
  });
  return [service(HOST, routes, policy)];
}
