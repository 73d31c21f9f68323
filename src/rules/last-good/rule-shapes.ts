/** The shapes of all rules, field by field: what was stored is read through these and nothing else. */
import type {
  AttributeMatch,
  BalancerRule,
  CircuitBreakerRule,
  ClusterRule,
  EndpointRule,
  EndpointsRule,
  FallbackRule,
  LimitsRule,
  MirrorRule,
  OutlierRule,
  PacingRule,
  PolicyRule,
  Provenance,
  RateLimitRule,
  RetryRule,
  RouteRule,
  RouteTableRule,
  RuleUpsert,
  ServiceRule,
  TokenBucketRule,
  WeightedCluster,
} from '../model.js';
import {
  bigint,
  list,
  literal,
  maybe,
  number,
  object,
  optional,
  pair,
  type Reader,
  record,
  repeated,
  string,
  variant,
} from './shape.js';

const yes = optional(literal(true));
const from = repeated(object<Provenance>({ source: string, origin: string }));
const matchBase = { key: string, invert: yes, missingAsEmpty: yes };
const text = object<Extract<AttributeMatch, { readonly ignoreCase?: true }>>({
  ...matchBase,
  kind: literal('exact', 'prefix', 'suffix', 'contains'),
  value: string,
  ignoreCase: yes,
});
const match = variant<AttributeMatch>({
  exact: text,
  prefix: text,
  suffix: text,
  contains: text,
  regex: object<Extract<AttributeMatch, { kind: 'regex' }>>({ ...matchBase, kind: literal('regex'), value: string }),
  present: object<Extract<AttributeMatch, { kind: 'present' }>>({ ...matchBase, kind: literal('present') }),
  absent: object<Extract<AttributeMatch, { kind: 'absent' }>>({ ...matchBase, kind: literal('absent') }),
  range: object<Extract<AttributeMatch, { kind: 'range' }>>({
    ...matchBase,
    kind: literal('range'),
    start: bigint,
    end: bigint,
  }),
});

const bucket = object<TokenBucketRule>({ maxTokens: number, tokensPerFill: number, fillIntervalMs: number });
const rateLimit = object<RateLimitRule>({
  bucket: maybe(bucket),
  conditions: list(object<RateLimitRule['conditions'][number]>({ match: list(match), bucket })),
});
const limits = { maxConnections: number, maxPendingRequests: number, maxRequests: number, maxRetries: number };
const outlier = object<OutlierRule>({
  consecutiveErrors: number,
  intervalMs: number,
  baseEjectionMs: number,
  maxEjectionMs: number,
  maxEjectionPercent: number,
  minHealthPercent: number,
});
const idempotent: Reader<RetryRule['idempotent']> = (value) => (value === true ? true : list(string)(value));
const policy = object<PolicyRule>({
  timeoutMs: optional(number),
  attemptTimeoutMs: optional(number),
  retry: optional(
    object<RetryRule>({
      attempts: number,
      backoffBaseMs: number,
      backoffMaxMs: number,
      idempotent,
      budget: object<RetryRule['budget']>({ percent: number, minPerSecond: number, ttlMs: number }),
    }),
  ),
  circuitBreaker: optional(
    object<CircuitBreakerRule>({ errorPercent: number, minimumCalls: number, windowMs: number, openMs: number }),
  ),
  limits: optional(
    object<Partial<LimitsRule>>({
      maxConnections: optional(number),
      maxPendingRequests: optional(number),
      maxRequests: optional(number),
      maxRetries: optional(number),
    }),
  ),
  rateLimit: optional(rateLimit),
  pacing: optional(object<PacingRule>({ ratePerSecond: number, maxQueued: number })),
  fallback: optional(object<FallbackRule>({ on: list(string), cluster: string })),
  outlier: optional(outlier),
});

const mutation = list(pair(string, string));
const routes = list(
  object<RouteRule>({
    name: string,
    match: list(match),
    destinations: list(object<WeightedCluster>({ cluster: string, weight: number })),
    mirrors: list(object<MirrorRule>({ cluster: string, perMillion: number })),
    hashKeys: list(string),
    requestMutation: mutation,
    responseMutation: mutation,
    policy,
    from,
  }),
);
const labels = record(string);
const tlsMode = literal('disabled', 'istio');

const service = object<ServiceRule>({
  key: string,
  host: string,
  port: number,
  portName: string,
  protocol: maybe(string),
  addresses: list(string),
  serviceKey: maybe(string),
  routes,
  routesByDefault: yes,
  routePolicies: optional(list(pair(string, policy))),
  inboundRateLimit: maybe(rateLimit),
  workload: maybe(object<NonNullable<ServiceRule['workload']>>({ namespace: string, labels, port: number })),
  policy,
  resolution: literal('STATIC', 'DNS', 'NONE'),
  createdAt: number,
  from,
});
const cluster = object<ClusterRule>({
  name: string,
  host: string,
  port: number,
  subset: string,
  endpointsKey: string,
  labels,
  balancer: variant<BalancerRule>({
    'round-robin': object<{ kind: 'round-robin' }>({ kind: literal('round-robin') }),
    random: object<{ kind: 'random' }>({ kind: literal('random') }),
    'original-destination': object<{ kind: 'original-destination' }>({ kind: literal('original-destination') }),
    'least-request': object<Extract<BalancerRule, { kind: 'least-request' }>>({
      kind: literal('least-request'),
      choices: number,
    }),
    'ring-hash': object<Extract<BalancerRule, { kind: 'ring-hash' }>>({
      kind: literal('ring-hash'),
      minimumRingSize: number,
      maximumRingSize: number,
    }),
  }),
  outlier: maybe(outlier),
  localityFailover: optional(literal(false)),
  limits: object<LimitsRule>(limits),
  connectTimeoutMs: number,
  tlsMode,
  policy,
  from,
});
const endpoint = object<EndpointRule>({
  address: string,
  port: number,
  labels,
  weight: number,
  locality: string,
  priority: number,
  tlsMode: maybe(tlsMode),
});

/** A rule of any kind, with its kind. */
export const upsert = variant<RuleUpsert>({
  service: stored('service', service),
  routes: stored('routes', object<RouteTableRule>({ key: string, routes, from })),
  cluster: stored('cluster', cluster),
  endpoints: stored('endpoints', object<EndpointsRule>({ key: string, endpoints: list(endpoint), from })),
});

function stored<K extends RuleUpsert['kind']>(kind: K, rule: Reader<RuleUpsert['rule']>): Reader<RuleUpsert> {
  const read = object<{ kind: K; rule: RuleUpsert['rule'] }>({ kind: literal(kind) as Reader<K>, rule });
  return (value) => ({ type: 'upsert', ...read(value) }) as RuleUpsert;
}
