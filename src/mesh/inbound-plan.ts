import { Cluster, type Peer } from '../cluster/index.js';
import type { Protocol } from '../message/index.js';
import { type ActiveCalls, compilePlan, type InterceptorChain, ServicePlan } from '../pipeline/index.js';
import type { Engines, StateStore } from '../policy/index.js';
import { RouteTable } from '../routing/index.js';
import type { ClusterRule, RouteRule, ServiceRule } from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';
import type { MeshTelemetry } from './telemetry.js';

export interface InboundContext {
  readonly runtime: Runtime;
  readonly engines: Engines;
  readonly telemetry: MeshTelemetry;
  readonly active: ActiveCalls;
  readonly state: StateStore;
  readonly beforeRoute: InterceptorChain | null;
  readonly routed: InterceptorChain | null;
}

const from = { source: 'mesh', origin: 'mesh.serve' };

/**
 * The plan of calls that are served here: one nameless route that matches everything, to one cluster whose only endpoint
 * is the handler, or the app's own port. Of the service's rules only those for the serving side hold: what its callers'
 * plans do must not be done twice.
 */
export function inboundPlan(
  service: ServiceRule,
  peer: Peer,
  address: { readonly host: string; readonly port: number },
  context: InboundContext,
): ServicePlan {
  const cluster = new Cluster(inboundCluster(service.port), { runtime: context.runtime, peers: () => peer });
  cluster.setEndpoints([
    {
      address: address.host,
      port: address.port,
      labels: {},
      weight: 1,
      locality: '',
      priority: 0,
      tlsMode: 'disabled',
    },
  ]);
  const rule: ServiceRule = { ...service, routes: [inboundRoute(service.port)], policy: {} };
  return new ServicePlan(
    rule,
    'inbound',
    context.runtime,
    new RouteTable(rule.routes, context.engines),
    context.beforeRoute,
    context.telemetry.service(rule, 'inbound'),
    context.engines.hash,
    context.active,
    (route) =>
      compilePlan(
        {
          direction: 'inbound',
          service: rule,
          runtime: context.runtime,
          engines: context.engines,
          state: context.state,
          routed: context.routed,
          cluster: (name) => (name === cluster.name ? cluster : undefined),
          attemptTelemetry: () => context.telemetry.attempts(cluster),
        },
        route,
        cluster.name,
      ),
    () => cluster.close(),
  );
}

/** As upstream names it: the host is left out. */
function inboundCluster(port: number): ClusterRule {
  return {
    name: `inbound|${port}||`,
    host: '',
    port,
    subset: '',
    endpointsKey: '',
    labels: {},
    balancer: { kind: 'round-robin' },
    outlier: undefined,
    limits: {
      maxConnections: Number.POSITIVE_INFINITY,
      maxPendingRequests: Number.POSITIVE_INFINITY,
      maxRequests: Number.POSITIVE_INFINITY,
      maxRetries: Number.POSITIVE_INFINITY,
    },
    connectTimeoutMs: 10_000,
    tlsMode: 'disabled',
    policy: {},
    from,
  };
}

function inboundRoute(port: number): RouteRule {
  return {
    name: '',
    match: [],
    destinations: [{ cluster: `inbound|${port}||`, weight: 1 }],
    mirrors: [],
    hashKeys: [],
    requestMutation: [],
    responseMutation: [],
    policy: {},
    from,
  };
}

/** What is served without any rule: counted and traced, with no limits. */
export function undescribedService(host: string, port: number, protocol: Protocol): ServiceRule {
  return {
    key: `${host}_${port}`,
    host,
    port,
    portName: `tcp-metaprotocol-${protocol.name}`,
    protocol: protocol.name,
    addresses: [],
    serviceKey: undefined,
    routes: [inboundRoute(port)],
    inboundRateLimit: undefined,
    workload: undefined,
    policy: {},
    resolution: 'STATIC',
    createdAt: 0,
    from,
  };
}
