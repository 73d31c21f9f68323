/**
 * MetaRouter into routes, field by field as Aeraki's control plane does it; the recorded answers of the real one are
 * the oracle. Mirrored on purpose, and told by lint: subsets do not inherit the hash key of their DestinationRule, the
 * key is that of the routed service and never of the destination's, and an attribute without a condition is dropped.
 */
import {
  type AttributeMatch,
  clusterName,
  type MirrorRule,
  type RateLimitRule,
  type RouteRule,
  type TokenBucketRule,
} from '../../../../src/rules/index.js';
import type { DestinationRule } from '../kinds/destination-rule.js';
import type { RuleObject } from '../kinds/index.js';
import type { Destination, MetaRoute, MetaRouter } from '../kinds/meta-router.js';
import { type LocalRateLimit, PRESENT, type RouteMatch, type TokenBucket } from '../kinds/rate-limit.js';
import { provenance } from './context.js';
import type { HostPort } from './hosts.js';

/** Without a MetaRouter, or one without routes: everything goes to the service itself. */
export function routesOf(
  service: HostPort,
  router: RuleObject<MetaRouter> | undefined,
  rule: RuleObject<DestinationRule> | undefined,
): readonly RouteRule[] {
  const routes = router?.spec.routes ?? [];
  if (router === undefined || routes.length === 0) return [defaultRoute(service, rule?.spec)];
  return routes.map((route, index) => ({
    name: route.name ?? '',
    match: matchOf(route.match),
    destinations: (route.route ?? []).map((target) => ({
      cluster: clusterOf(target.destination, service),
      weight: target.weight ?? 0,
    })),
    mirrors: mirrorOf(route, service),
    hashKeys: (route.route ?? []).flatMap((target) => hashKey(rule?.spec, target.destination.subset) ?? []),
    requestMutation: pairs(route.requestMutation),
    responseMutation: pairs(route.responseMutation),
    policy: {},
    from: provenance(router, ['spec', 'routes', index]),
  }));
}

function defaultRoute(service: HostPort, rule: DestinationRule | undefined): RouteRule {
  const key = hashKey(rule, '');
  return {
    name: 'default',
    match: [],
    destinations: [{ cluster: clusterName(service.host, service.number), weight: 0 }],
    mirrors: [],
    hashKeys: key === undefined ? [] : [key],
    requestMutation: [],
    responseMutation: [],
    policy: {},
    from: provenance(service.object, service.path),
  };
}

/** The cluster of a destination; its port is that of the service unless it says another. */
export function clusterOf(target: Destination, service: { readonly number: number }): string {
  return clusterName(target.host, target.port?.number || service.number, target.subset);
}

/** The attribute named by a DestinationRule's consistentHash, of the subset alone if there is one. */
export function hashKey(rule: DestinationRule | undefined, subset: string | undefined): string | undefined {
  const policy = subset ? rule?.subsets.find((each) => each.name === subset)?.trafficPolicy : rule?.trafficPolicy;
  return policy?.loadBalancer?.consistentHash?.httpHeaderName || undefined;
}

export function matchOf(match: RouteMatch | undefined): readonly AttributeMatch[] {
  return Object.entries(match?.attributes ?? {}).flatMap(([key, value]): AttributeMatch[] => {
    if (value.exact !== undefined) return [{ key, kind: 'exact', value: value.exact }];
    if (value.prefix !== undefined) return [{ key, kind: 'prefix', value: value.prefix }];
    if (value.regex === PRESENT) return [{ key, kind: 'present' }];
    return value.regex === undefined ? [] : [{ key, kind: 'regex', value: value.regex }];
  });
}

function mirrorOf(route: MetaRoute, service: HostPort): readonly MirrorRule[] {
  if (route.mirror === undefined) return [];
  // Truncated after multiplying in double precision, as upstream: 0.57 % is 5699 of a million.
  const perMillion = Math.trunc((route.mirrorPercentage?.value || 100) * 10_000);
  return [{ cluster: clusterOf(route.mirror, service), perMillion }];
}

const pairs = (entries: MetaRoute['requestMutation']) => (entries ?? []).map(({ key, value }) => [key, value] as const);

export function rateLimitOf(limit: LocalRateLimit | undefined): RateLimitRule | undefined {
  if (limit === undefined) return undefined;
  return {
    bucket: limit.tokenBucket === undefined ? undefined : bucketOf(limit.tokenBucket),
    conditions: (limit.conditions ?? []).map((each) => ({
      match: matchOf(each.match),
      bucket: bucketOf(each.tokenBucket),
    })),
  };
}

const bucketOf = (bucket: TokenBucket): TokenBucketRule => ({
  maxTokens: bucket.maxTokens,
  tokensPerFill: bucket.tokensPerFill ?? 1,
  fillIntervalMs: bucket.fillInterval,
});
