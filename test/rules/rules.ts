import type {
  ChangeSet,
  ClusterRule,
  EndpointRule,
  EndpointsRule,
  RouteTableRule,
  RuleChange,
  RuleStore,
  ServiceRule,
} from '../../src/rules/index.js';
import { clusterName, serviceKey } from '../../src/rules/index.js';
import { FROM, route } from '../routing/rules.js';

export function service(host: string, more: Partial<ServiceRule> = {}): ServiceRule {
  const port = more.port ?? 80;
  return {
    key: serviceKey(host, port),
    host,
    port,
    portName: 'tcp-metaprotocol-dubbo',
    protocol: 'dubbo',
    addresses: [],
    serviceKey: undefined,
    routes: [route('default', [])],
    inboundRateLimit: undefined,
    workload: undefined,
    policy: {},
    resolution: 'STATIC',
    createdAt: 0,
    from: FROM,
    ...more,
  };
}

/** A service whose one route leads to these subsets of its own. */
export function serviceTo(host: string, ...subsets: string[]): ServiceRule {
  const destinations = subsets.map((subset) => ({ cluster: clusterName(host, 80, subset), weight: 1 }));
  return service(host, { routes: [route('r', [], { destinations })] });
}

export function cluster(host: string, subset = '', more: Partial<ClusterRule> = {}): ClusterRule {
  return {
    name: clusterName(host, 80, subset),
    host,
    port: 80,
    subset,
    endpointsKey: serviceKey(host, 80),
    labels: {},
    balancer: { kind: 'round-robin' },
    outlier: undefined,
    limits: { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 },
    connectTimeoutMs: 10_000,
    tlsMode: 'disabled',
    policy: {},
    from: FROM,
    ...more,
  };
}

export function endpoint(address: string, more: Partial<EndpointRule> = {}): EndpointRule {
  return { address, port: 20880, labels: {}, weight: 1, locality: '', priority: 0, tlsMode: undefined, ...more };
}

export function endpoints(host: string, ...list: EndpointRule[]): EndpointsRule {
  return { key: serviceKey(host, 80), endpoints: list, from: FROM };
}

/** A table for a service, of routes with these names. */
export function table(host: string, ...names: string[]): RouteTableRule {
  return { key: serviceKey(host, 80), routes: names.map((name) => route(name, [])), from: FROM };
}

export const upsert = {
  service: (rule: ServiceRule): RuleChange => ({ type: 'upsert', kind: 'service', rule }),
  routes: (rule: RouteTableRule): RuleChange => ({ type: 'upsert', kind: 'routes', rule }),
  cluster: (rule: ClusterRule): RuleChange => ({ type: 'upsert', kind: 'cluster', rule }),
  endpoints: (rule: EndpointsRule): RuleChange => ({ type: 'upsert', kind: 'endpoints', rule }),
};

export const remove = {
  service: (host: string): RuleChange => ({ type: 'remove', kind: 'service', key: serviceKey(host, 80) }),
  routes: (host: string): RuleChange => ({ type: 'remove', kind: 'routes', key: serviceKey(host, 80) }),
  cluster: (host: string, subset = ''): RuleChange => ({
    type: 'remove',
    kind: 'cluster',
    key: clusterName(host, 80, subset),
  }),
  endpoints: (host: string): RuleChange => ({ type: 'remove', kind: 'endpoints', key: serviceKey(host, 80) }),
};

/** What a batch changes; undefined: nothing. */
export function applied(store: RuleStore, source: Parameters<RuleStore['apply']>[0], batch: readonly RuleChange[]) {
  return changing(store, () => store.apply(source, batch));
}

export function changing(store: RuleStore, act: () => void): ChangeSet | undefined {
  let changes: ChangeSet | undefined;
  const subscription = store.changes.subscribe((it) => {
    changes = it;
  });
  act();
  subscription.unsubscribe();
  return changes;
}
