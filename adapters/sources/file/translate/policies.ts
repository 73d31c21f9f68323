/**
 * TrafficPolicy and VirtualService into policies by what they hold for: a service, a cluster, a route. At one place
 * TrafficPolicy counts over VirtualService, and of several TrafficPolicies the oldest, field by field.
 */
import {
  type ClusterRule,
  clusterName,
  mergePolicies,
  type PolicyRule,
  type RetryRule,
  type RouteRule,
} from '../../../../src/rules/index.js';
import type { RuleObject } from '../kinds/index.js';
import type { TrafficPolicy } from '../kinds/traffic-policy.js';
import type { VirtualService } from '../kinds/virtual-service.js';
import type { Context } from './context.js';
import type { HostPort } from './hosts.js';
import { expandHost, protocolOf } from './port-name.js';
import { clusterOf, rateLimitOf } from './routes.js';

export interface Policies {
  service(key: string): PolicyRule;
  cluster(name: string): PolicyRule;
  route(serviceKey: string, route: string): PolicyRule;
  /** All of a service's routes that have any, by name. */
  routes(serviceKey: string): readonly (readonly [route: string, policy: PolicyRule])[];
}

/** What policies may be attached to. */
export interface Targets {
  readonly hosts: readonly HostPort[];
  readonly clusters: ReadonlyMap<string, ClusterRule>;
  /** By service; `written`: by a MetaRouter. */
  readonly routes: ReadonlyMap<string, { readonly table: readonly RouteRule[]; readonly written: boolean }>;
}

export function policiesOf(context: Context, targets: Targets): Policies {
  const found = new Attached();
  for (const policy of context.all<TrafficPolicy>('TrafficPolicy')) {
    policy.spec.targetRefs.forEach((_, index) => {
      attach(policy, index, targets, found, context);
    });
  }
  for (const virtual of context.all<VirtualService>('VirtualService')) attachVirtual(virtual, targets, found, context);
  return {
    service: (key) => found.get(`service ${key}`),
    cluster: (name) => found.get(`cluster ${name}`),
    route: (key, route) => found.get(`route ${key} ${route}`),
    routes: (key) => found.under(`route ${key} `),
  };
}

class Attached {
  readonly #policies = new Map<string, { readonly policy: PolicyRule; readonly by: ReadonlyMap<string, string> }>();

  get(target: string): PolicyRule {
    return this.#policies.get(target)?.policy ?? {};
  }

  under(prefix: string): readonly (readonly [rest: string, policy: PolicyRule])[] {
    return [...this.#policies].flatMap(([target, { policy }]) =>
      target.startsWith(prefix) ? [[target.slice(prefix.length), policy] as const] : [],
    );
  }

  /** Below what is there already. Returns what that hides, each with who says it. */
  add(target: string, policy: PolicyRule, title: string): readonly (readonly [field: string, title: string])[] {
    const above = this.#policies.get(target);
    const said = Object.keys(policy).flatMap((field) =>
      field === 'limits' ? Object.keys(policy.limits ?? {}) : [field],
    );
    const hidden = said.flatMap((field) => {
      const by = above?.by.get(field);
      return by === undefined ? [] : [[field, by] as const];
    });
    this.#policies.set(target, {
      policy: mergePolicies(policy, above?.policy ?? {}),
      by: new Map([...said.map((field) => [field, title] as const), ...(above?.by ?? [])]),
    });
    return hidden;
  }
}

function attach(
  policy: RuleObject<TrafficPolicy>,
  index: number,
  { hosts, clusters, routes }: Targets,
  found: Attached,
  context: Context,
): void {
  const ref = policy.spec.targetRefs[index]!;
  const path = ['spec', 'targetRefs', index];
  const report = context.report(policy);
  const full = expandHost(ref.host, policy.namespace);
  let matched = false;
  for (const host of hosts) {
    if (host.host !== ref.host && host.fullHost !== full) continue;
    if (ref.port !== undefined && ref.port !== host.number) continue;
    const targets: string[] = [];
    if (ref.subset !== undefined) {
      const name = clusterName(host.host, host.number, ref.subset);
      if (clusters.has(name)) targets.push(`cluster ${name}`);
    } else if (protocolOf(host.portName) !== undefined) {
      const { written, table } = routes.get(host.key)!;
      if (ref.route === undefined) {
        targets.push(`service ${host.key}`);
      } else if (table.some((route) => route.name === ref.route)) {
        targets.push(`route ${host.key} ${ref.route}`);
      } else if (!written) {
        targets.push(`route ${host.key} ${ref.route}`);
        const message = `no MetaRouter here has a route '${ref.route}' for ${host.host}: it holds if a control plane sends one`;
        report.warning([...path, 'route'], message);
      }
    }
    for (const target of targets) {
      matched = true;
      for (const [field, by] of found.add(target, policyOf(policy.spec, host), policy.title)) {
        report.warning(path, `${field} has no effect here: ${by} says it already, and is older or written first`);
      }
    }
  }
  if (!matched) report.warning(path, 'matches nothing: no governed port, subset or route of these rules is called so');
  const { fallback } = policy.spec;
  if (fallback?.cluster !== undefined && !clusters.has(fallback.cluster)) {
    report.warning(['spec', 'fallback', 'cluster'], `no cluster of these rules is called ${fallback.cluster}`);
  }
}

function policyOf(spec: TrafficPolicy, host: HostPort): PolicyRule {
  const { timeout, attemptTimeout, retry, circuitBreaker, concurrency, rateLimit, pacing, fallback, outlier } = spec;
  const limits = concurrency === undefined ? {} : defined(concurrency);
  return defined({
    timeoutMs: timeout,
    attemptTimeoutMs: attemptTimeout,
    retry: retry === undefined ? undefined : retryOf(retry),
    circuitBreaker:
      circuitBreaker === undefined
        ? undefined
        : {
            errorPercent: circuitBreaker.errorPercent,
            minimumCalls: circuitBreaker.minimumCalls,
            windowMs: circuitBreaker.window,
            openMs: circuitBreaker.openTime,
          },
    limits: Object.keys(limits).length === 0 ? undefined : limits,
    rateLimit: rateLimitOf(rateLimit),
    pacing,
    fallback:
      fallback === undefined
        ? undefined
        : { on: fallback.on, cluster: fallback.cluster ?? clusterOf(fallback.destination!, host) },
    outlier:
      outlier === undefined
        ? undefined
        : {
            consecutiveErrors: outlier.consecutiveErrors,
            intervalMs: outlier.interval,
            baseEjectionMs: outlier.baseEjectionTime,
            maxEjectionMs: outlier.maxEjectionTime ?? Math.max(300_000, outlier.baseEjectionTime),
            maxEjectionPercent: outlier.maxEjectionPercent,
            minHealthPercent: outlier.minHealthPercent,
          },
  });
}

/** The back-off's maximum is ten times its base, as Envoy's. */
function retryOf(retry: NonNullable<TrafficPolicy['retry']>): RetryRule {
  const { attempts, backoff, idempotent, budget } = retry;
  const base = backoff?.base ?? 25;
  return {
    attempts,
    backoffBaseMs: base,
    backoffMaxMs: backoff?.max ?? base * 10,
    idempotent: idempotent === false ? [] : idempotent,
    budget: { percent: budget.percent, minPerSecond: budget.minPerSecond, ttlMs: budget.ttl },
  };
}

/** Timeout and retries of the route without a match; its services know no HTTP, so nothing else of it has a meaning. */
function attachVirtual(
  virtual: RuleObject<VirtualService>,
  { hosts }: Targets,
  found: Attached,
  context: Context,
): void {
  const { http, hosts: names } = virtual.spec;
  const index = http.findIndex((each) => each.match === undefined);
  const wanted = new Set(names.map((name) => expandHost(name, virtual.namespace)));
  const report = context.report(virtual);
  for (const host of hosts) {
    if (protocolOf(host.portName) === undefined || !wanted.has(host.fullHost)) continue;
    http.forEach((each, at) => {
      const { timeout: _, retries, name: __, ...others } = each;
      const unread = Object.keys(others).map((field) => `${field}`);
      if (at !== index)
        report.warning(['spec', 'http', at], 'has no effect: only the first route without match is read');
      else if (unread.length > 0)
        report.warning(['spec', 'http', at], `only timeout and retries are read, not ${unread}`);
      if (at === index && retries?.retryOn !== undefined) {
        const message = 'is not read: what may be retried is said by idempotent in a TrafficPolicy';
        report.warning(['spec', 'http', at, 'retries', 'retryOn'], message);
      }
    });
    const route = http[index];
    if (route === undefined) continue;
    const { timeout, retries } = route;
    const attempts = retries?.attempts ?? 0;
    const budget = { percent: 20, minPerSecond: 10, ttl: 10_000 };
    const backoff = { base: retries?.backoff || 25 };
    const policy = defined({
      // 0 switches a time limit off, which it is without saying.
      timeoutMs: timeout || undefined,
      attemptTimeoutMs: retries?.perTryTimeout || undefined,
      retry: attempts > 0 ? retryOf({ attempts, idempotent: false, budget, backoff }) : undefined,
    });
    found.add(`service ${host.key}`, policy, virtual.title);
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that are undefined. */
function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
