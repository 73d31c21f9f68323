import { Cluster, type Peer } from '../cluster/index.js';
import type { Protocol } from '../message/index.js';
import { type ActiveCalls, compilePlan, type InterceptorChain, ServicePlan } from '../pipeline/index.js';
import type { Engines, HeldState, Share } from '../policy/index.js';
import { RouteTable } from '../routing/index.js';
import type { ClusterRule, RouteRule, ServiceRule } from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';
import { type MeshTelemetry, PlanMeters } from './telemetry.js';

export interface SinglePlanParts {
  readonly runtime: Runtime;
  readonly engines: Engines;
  readonly share: Share;
  readonly telemetry: MeshTelemetry;
  readonly active: ActiveCalls;
  readonly observe: boolean;
  readonly beforeRoute: InterceptorChain | null;
  readonly routed: InterceptorChain | null;
}

/** The only endpoint of a {@link singlePlan}. */
export interface Single {
  readonly direction: 'inbound' | 'outbound';
  readonly cluster: string;
  readonly address: { readonly host: string; readonly port: number };
  /** Asked for once; released with the plan. */
  readonly peer: () => Peer;
  /** A sidecar counts its calls. @defaultValue false */
  readonly unreported?: boolean;
}

/**
 * A plan of one nameless route that matches everything, to one cluster with one endpoint: calls that are served here
 * (the handler, or the app's own port), calls that a sidecar governs, and calls that go where they were addressed for want
 * of rules. Of the service's
 * rules only the serving side's hold: what the callers' plans do must not be done twice.
 */
export function singlePlan(
  service: ServiceRule,
  protocol: Protocol,
  { direction, cluster: name, address, peer, unreported }: Single,
  state: HeldState,
  parts: SinglePlanParts,
): ServicePlan {
  const { runtime, engines } = parts;
  const cluster = new Cluster(clusterRule(name, service.port), { runtime, peers: peer });
  const endpoint = { labels: {}, weight: 1, locality: '', priority: 0, tlsMode: 'disabled' } as const;
  cluster.setEndpoints([{ ...endpoint, address: address.host, port: address.port }]);
  const rule: ServiceRule = { ...service, routes: [routeRule(name)], policy: {} };
  const { telemetry } = parts;
  const meters = new PlanMeters(telemetry, rule.key, direction, unreported ? telemetry.unreported : telemetry.meters);
  return new ServicePlan({
    rule,
    direction,
    protocol,
    runtime,
    meters,
    table: new RouteTable(rule.routes, engines),
    beforeRoute: parts.beforeRoute,
    hash: undefined,
    active: parts.active,
    compile: (route) =>
      compilePlan(
        {
          direction,
          sharing: protocol.sharing,
          service: rule,
          runtime,
          engines,
          share: parts.share,
          policies: [],
          state,
          observe: parts.observe,
          routed: parts.routed,
          cluster: () => cluster,
          meters,
          onBreaker: () => {},
        },
        route,
        name,
      ),
    dispose: () => {
      state.release();
      cluster.close();
      meters.close();
    },
  });
}

const from = { source: 'mesh', origin: 'this mesh' };

function clusterRule(name: string, port: number): ClusterRule {
  const none = Number.POSITIVE_INFINITY;
  return {
    name,
    host: '',
    port,
    subset: '',
    endpointsKey: '',
    labels: {},
    balancer: { kind: 'round-robin' },
    outlier: undefined,
    limits: { maxConnections: none, maxPendingRequests: none, maxRequests: none, maxRetries: none },
    connectTimeoutMs: 10_000,
    tlsMode: 'disabled',
    policy: {},
    from,
  };
}

function routeRule(cluster: string): RouteRule {
  return {
    name: '',
    match: [],
    destinations: [{ cluster, weight: 1 }],
    mirrors: [],
    hashKeys: [],
    requestMutation: [],
    responseMutation: [],
    policy: {},
    from,
  };
}

/** A service without any rule: counted and traced, with no limits. */
export function undescribedService(host: string, port: number, protocol: Protocol): ServiceRule {
  return {
    key: `${host}_${port}`,
    host,
    port,
    portName: `tcp-metaprotocol-${protocol.name}`,
    protocol: protocol.name,
    addresses: [],
    serviceKey: undefined,
    routes: [],
    inboundRateLimit: undefined,
    workload: undefined,
    policy: {},
    resolution: 'STATIC',
    createdAt: 0,
    from,
  };
}
