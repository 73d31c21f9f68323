import { Observable, Subject } from 'rxjs';
import type {
  ClusterRule,
  EndpointRule,
  EndpointsRule,
  PolicyRule,
  RouteRule,
  RuleChange,
  RuleSource,
  ServiceRule,
} from '../../src/spi.js';

/** Rules made in code, as a source would translate them. */

const from = { source: 'bench', origin: 'bench' };
const NONE = Number.POSITIVE_INFINITY;

export const PORT = 20880;

export function service(host: string, routes: readonly RouteRule[], policy: PolicyRule = {}): ServiceRule {
  return {
    key: `${host}_${PORT}`,
    host,
    port: PORT,
    portName: 'tcp-metaprotocol-dubbo',
    protocol: 'dubbo',
    addresses: [],
    serviceKey: undefined,
    routes,
    inboundRateLimit: undefined,
    workload: undefined,
    policy,
    resolution: 'STATIC',
    createdAt: 0,
    from,
  };
}

/** @param method - undefined: matches everything */
export function route(name: string, cluster: string, method?: string, more: Partial<RouteRule> = {}): RouteRule {
  return {
    name,
    match: method === undefined ? [] : [{ key: 'method', kind: 'exact', value: method }],
    destinations: [{ cluster, weight: 1 }],
    mirrors: [],
    hashKeys: [],
    requestMutation: [],
    responseMutation: [],
    policy: {},
    from,
    ...more,
  };
}

/** `count` routes by method, the last of which is `sayHello`'s. */
export function routesByMethod(count: number, cluster: string, more: Partial<RouteRule> = {}): RouteRule[] {
  return Array.from({ length: count }, (_, i) => {
    const method = i === count - 1 ? 'sayHello' : `method${i}`;
    return route(`route-${method}`, cluster, method, more);
  });
}

export function clusterNameOf(host: string, subset = ''): string {
  return `outbound|${PORT}|${subset}|${host}`;
}

export function cluster(host: string, more: Partial<ClusterRule> = {}): ClusterRule {
  const { subset = '' } = more;
  return {
    name: clusterNameOf(host, subset),
    host,
    port: PORT,
    subset,
    endpointsKey: `${host}_${PORT}`,
    labels: {},
    balancer: { kind: 'least-request', choices: 2 },
    outlier: undefined,
    limits: { maxConnections: NONE, maxPendingRequests: NONE, maxRequests: NONE, maxRetries: NONE },
    connectTimeoutMs: 10_000,
    tlsMode: 'disabled',
    policy: {},
    from,
    ...more,
  };
}

/**
 * @param salt - other addresses for the same number of endpoints
 * @param first - addresses from this one on
 */
export function endpoints(host: string, count: number, salt = 0, first = 0): EndpointsRule {
  const list = Array.from({ length: count }, (_, i) => endpoint(first + i, salt));
  return { key: `${host}_${PORT}`, endpoints: list, from };
}

function endpoint(i: number, salt: number): EndpointRule {
  const address = `10.${salt & 0xff}.${i >> 8}.${i & 0xff}`;
  return { address, port: PORT, labels: {}, weight: 1, locality: '', priority: 0, tlsMode: undefined };
}

/** Each rule, and the word that this is all. */
export function upserts(rules: {
  readonly services?: readonly ServiceRule[];
  readonly clusters?: readonly ClusterRule[];
  readonly endpoints?: readonly EndpointsRule[];
}): RuleChange[] {
  return [
    ...(rules.endpoints ?? []).map((rule) => ({ type: 'upsert', kind: 'endpoints', rule }) as const),
    ...(rules.clusters ?? []).map((rule) => ({ type: 'upsert', kind: 'cluster', rule }) as const),
    ...(rules.services ?? []).map((rule) => ({ type: 'upsert', kind: 'service', rule }) as const),
  ];
}

/** A source that says what it is told to. */
export class CodeSource implements RuleSource {
  readonly name = 'bench';
  readonly precedence = 400;
  private readonly changes = new Subject<readonly RuleChange[]>();

  constructor(private readonly first: readonly RuleChange[]) {}

  watch(): Observable<readonly RuleChange[]> {
    return new Observable((subscriber) => {
      subscriber.next([...this.first, { type: 'complete' }]);
      return this.changes.subscribe(subscriber);
    });
  }

  emit(batch: readonly RuleChange[]): void {
    this.changes.next(batch);
  }
}
