/**
 * The neutral rule model: what sources translate their objects into, and all that the rest of the mesh knows of rules.
 * Plain, frozen data. Durations are milliseconds, fractions are in [0, 1] unless a name says otherwise.
 *
 * Rules come by key in independent kinds, so that one endpoint of 20,000 costs one endpoint: services with their routes
 * (`<host>_<port>`), route tables alone, from control planes that know nothing else of a service (`<host>_<port>`),
 * clusters (`outbound|<port>|<subset>|<host>`) and endpoints (`<host>_<port>`; clusters choose among them by their
 * subset's labels).
 */

/** Where a rule was written. */
export interface Provenance {
  /** Name of the source, such as `file`. */
  readonly source: string;
  /** For people: `rules/demo.yaml:12 MetaRouter demo/demo`. */
  readonly origin: string;
}

/** A host and port that may be called or served, with its routes. */
export interface ServiceRule {
  readonly key: string;
  readonly host: string;
  readonly port: number;
  /** Name of the port, as written. */
  readonly portName: string;
  /** Third token of the port name; undefined: not a metaprotocol port, so its bytes are none of ours. */
  readonly protocol: string | undefined;
  /** Virtual addresses. A destination equal to one of these, with the port, is this service. */
  readonly addresses: readonly string[];
  /** What the protocol's service key must be, where several services share an address; the annotation `interface`. */
  readonly serviceKey: string | undefined;
  /** In order; the first that matches wins. Never empty: without a MetaRouter it holds the default route. */
  readonly routes: readonly RouteRule[];
  /** Nobody wrote its routes: a {@link RouteTableRule} of any source replaces them. */
  readonly routesByDefault?: true;
  /** Policies for routes of a {@link RouteTableRule}, by their name. */
  readonly routePolicies?: readonly (readonly [route: string, policy: PolicyRule])[];
  /** MetaRouter's limits: they hold where the service is served, not where it is called. */
  readonly inboundRateLimit: RateLimitRule | undefined;
  /** Which workloads serve it, and on which port: selects inbound services by the node's namespace and labels. */
  readonly workload:
    | { readonly namespace: string; readonly labels: Readonly<Record<string, string>>; readonly port: number }
    | undefined;
  readonly policy: PolicyRule;
  /** `NONE`: the client's own choice of address is kept. */
  readonly resolution: 'STATIC' | 'DNS' | 'NONE';
  /** Unix ms; ties between services go to the oldest. MAX_SAFE_INTEGER if nobody says. */
  readonly createdAt: number;
  readonly from: Provenance;
}

/**
 * The routes of a service that another source describes, as MetaRDS sends them. It replaces the service's own routes
 * unless these were written by a source of higher precedence; it waits while nobody describes the service.
 */
export interface RouteTableRule {
  /** `<host>_<port>` of the service. */
  readonly key: string;
  /** As a service's: in order, never empty. */
  readonly routes: readonly RouteRule[];
  readonly from: Provenance;
}

/** Where calls go that match, and what is done to them. */
export interface RouteRule {
  /** May be empty, as upstream's. */
  readonly name: string;
  /** All must hold; empty matches everything. Keys as written. */
  readonly match: readonly AttributeMatch[];
  /** One, or several with weights as written. Empty, or with weights that sum to 0: unroutable. */
  readonly destinations: readonly WeightedCluster[];
  readonly mirrors: readonly MirrorRule[];
  /** Attribute keys whose values make the hash, in order, repeated as the rules repeat them. */
  readonly hashKeys: readonly string[];
  readonly requestMutation: readonly (readonly [key: string, value: string])[];
  readonly responseMutation: readonly (readonly [key: string, value: string])[];
  readonly policy: PolicyRule;
  readonly from: Provenance;
}

/**
 * A condition on one attribute. `key` is compared lower-cased, values are case-sensitive. A missing key fails every kind,
 * also an inverted one, but for `absent` and its twin, an inverted `present`. `routing/matchers.ts` has the whole of it.
 */
export type AttributeMatch = { readonly key: string; readonly invert?: true; readonly missingAsEmpty?: true } & (
  | { readonly kind: 'exact' | 'prefix' | 'suffix' | 'contains'; readonly value: string; readonly ignoreCase?: true }
  /** RE2, against the whole value. */
  | { readonly kind: 'regex'; readonly value: string }
  | { readonly kind: 'present' }
  | { readonly kind: 'absent' }
  /** A whole number, `start` ≤ value < `end`. */
  | { readonly kind: 'range'; readonly start: bigint; readonly end: bigint }
);

/** One of the destinations that a call is drawn for. */
export interface WeightedCluster {
  readonly cluster: string;
  readonly weight: number;
}

/** A cluster that gets copies of calls; its replies are dropped. */
export interface MirrorRule {
  readonly cluster: string;
  /** Of a million. */
  readonly perMillion: number;
}

/** A set of endpoints, and how calls are spread over them. */
export interface ClusterRule {
  /** `outbound|<port>|<subset>|<host>` */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly subset: string;
  /** Key of the endpoints it chooses among. */
  readonly endpointsKey: string;
  /** Only endpoints that have all of these. */
  readonly labels: Readonly<Record<string, string>>;
  readonly balancer: BalancerRule;
  readonly outlier: OutlierRule | undefined;
  /** With an outlier rule endpoints near this process are preferred, unless false. */
  readonly localityFailover?: false;
  readonly limits: LimitsRule;
  readonly connectTimeoutMs: number;
  /** What endpoints without a mode of their own want. `istio` mTLS can't be presented yet: such calls are refused. */
  readonly tlsMode: 'disabled' | 'istio';
  readonly policy: PolicyRule;
  readonly from: Provenance;
}

/**
 * How an endpoint is chosen. `choices`: how many are drawn at random, of which the least busy is taken. Ring sizes as
 * Envoy's. `original-destination`: a caller that names an endpoint's address gets that endpoint.
 */
export type BalancerRule =
  | { readonly kind: 'round-robin' | 'random' }
  | { readonly kind: 'original-destination' }
  | { readonly kind: 'least-request'; readonly choices: number }
  | { readonly kind: 'ring-hash'; readonly minimumRingSize: number; readonly maximumRingSize: number };

/** Envoy's consecutive-failure detectors. Its defaults: 5 failures, 10 s, 30 s base, 300 s maximum, 10 %. */
export interface OutlierRule {
  /** 0: off. */
  readonly consecutiveErrors: number;
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  /** In percent; always at least one host may be ejected. */
  readonly maxEjectionPercent: number;
  /** Below this percentage of healthy endpoints ejections are ignored. 0: never. */
  readonly minHealthPercent: number;
}

/** A cluster's circuit-breaker thresholds in Envoy's sense. Infinity: no limit. */
export interface LimitsRule {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  /** Attempts beyond the first that may be under way at once. */
  readonly maxRetries: number;
}

/** All endpoints of a service, which its clusters' labels choose among. */
export interface EndpointsRule {
  /** `<host>_<port>` of the service. */
  readonly key: string;
  readonly endpoints: readonly EndpointRule[];
  readonly from: Provenance;
}

/** A place where a service is served. */
export interface EndpointRule {
  /** IP or name; unique with the port within the rule. */
  readonly address: string;
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
  /** ≥ 1. */
  readonly weight: number;
  /** `region/zone/sub-zone`; empty: nobody says. */
  readonly locality: string;
  /** The lowest is preferred while enough of its endpoints are healthy. */
  readonly priority: number;
  readonly tlsMode: 'disabled' | 'istio' | undefined;
}

/**
 * What TrafficPolicy says at one level, route, cluster or service; merged field by field, route over cluster over
 * service, when a plan is compiled. Absent: not said here.
 */
export interface PolicyRule {
  /** The whole call, retries included. */
  readonly timeoutMs?: number;
  readonly attemptTimeoutMs?: number;
  readonly retry?: RetryRule;
  readonly circuitBreaker?: CircuitBreakerRule;
  readonly limits?: Partial<LimitsRule>;
  readonly rateLimit?: RateLimitRule;
  readonly pacing?: PacingRule;
  readonly fallback?: FallbackRule;
  readonly outlier?: OutlierRule;
}

/** How often, when and how much is tried again. */
export interface RetryRule {
  /** Retries after the first attempt. */
  readonly attempts: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** Operations that may run twice: then replies lost underway are retried too. `true`: all. */
  readonly idempotent: true | readonly string[];
  /** Of a cluster, shared with hedges: retries ≤ percent of calls + minPerSecond, over `ttlMs`. */
  readonly budget: { readonly percent: number; readonly minPerSecond: number; readonly ttlMs: number };
}

/** When a cluster that fails is left alone, and for how long. */
export interface CircuitBreakerRule {
  /** Opens at this percentage of failures ... */
  readonly errorPercent: number;
  /** ... among at least so many finished calls ... */
  readonly minimumCalls: number;
  /** ... of the last so many ms. */
  readonly windowMs: number;
  /** How long it stays open before a probe is let through. */
  readonly openMs: number;
}

/** Envoy's token bucket: starts full, gains `tokensPerFill` at each whole `fillIntervalMs`. */
export interface TokenBucketRule {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  readonly fillIntervalMs: number;
}

/** Conditions in order; the first that matches decides alone, else the default bucket if there is one. */
export interface RateLimitRule {
  readonly bucket: TokenBucketRule | undefined;
  readonly conditions: readonly { readonly match: readonly AttributeMatch[]; readonly bucket: TokenBucketRule }[];
}

/** Wait instead of refuse: one request each `1000 / ratePerSecond` ms. For low-rate routes, ≤ 100/s. */
export interface PacingRule {
  readonly ratePerSecond: number;
  readonly maxQueued: number;
}

/** Where a call goes that failed. */
export interface FallbackRule {
  /** Failure codes that it answers. */
  readonly on: readonly string[];
  /** Another cluster, tried in a new pass with what time is left. */
  readonly cluster: string;
}

/** The kinds, which change independently of each other. */
export type RuleKind = 'service' | 'routes' | 'cluster' | 'endpoints';
/** A rule of any kind. */
export type Rule = ServiceRule | RouteTableRule | ClusterRule | EndpointsRule;

/**
 * How a source stands. `connecting`: it has not said all it has yet. `last-good`: what an earlier process stored serves
 * until it has. `live`: it has, and is followed. `stale`: its connection is gone; what it said stays in force. `failed`: so
 * it stays, as the source will say nothing more.
 */
export type SourceState = 'connecting' | 'last-good' | 'live' | 'stale' | 'failed';

/**
 * What sources emit.
 *
 * - `complete`: everything it has was said, so that the source is `live`. May come again. `of`: everything of these services,
 *   by key, as nothing else was asked for.
 * - `state`: how it stands, if `complete` and an error on the Observable do not say it: sources with a connection tell when
 *   it is gone. `version` is the source's own for what it said last; `error` is why it is not `live`. What is left out stays.
 * - `problem`: for people, nothing changed. `error`: something that was said is not in force. A batch repeats those that
 *   stand, unless it has `state`s alone; each is told when it is new. @defaultValue 'warning'
 */
export type RuleChange =
  | { readonly type: 'upsert'; readonly kind: 'service'; readonly rule: ServiceRule }
  | { readonly type: 'upsert'; readonly kind: 'routes'; readonly rule: RouteTableRule }
  | { readonly type: 'upsert'; readonly kind: 'cluster'; readonly rule: ClusterRule }
  | { readonly type: 'upsert'; readonly kind: 'endpoints'; readonly rule: EndpointsRule }
  | { readonly type: 'remove'; readonly kind: RuleKind; readonly key: string }
  | { readonly type: 'complete'; readonly of?: ReadonlySet<string> }
  | {
      readonly type: 'state';
      readonly state: Exclude<SourceState, 'failed'>;
      readonly version?: string;
      readonly error?: string;
    }
  | { readonly type: 'problem'; readonly message: string; readonly severity?: 'error' | 'warning' };
/** A rule that is said, with its kind. */
export type RuleUpsert = Extract<RuleChange, { readonly type: 'upsert' }>;

/** Key of a service or its endpoints. */
export function serviceKey(host: string, port: number): string {
  return `${host}_${port}`;
}

/**
 * The name that Istio gives a cluster.
 * @param subset - empty: the whole service
 */
export function clusterName(host: string, port: number, subset = ''): string {
  return `outbound|${port}|${subset}|${host}`;
}
