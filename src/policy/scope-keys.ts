import type { AttributeMatch, PolicyRule, RouteRule } from '../rules/index.js';
import type { PlanScope } from './stage.js';

/**
 * The key of what belongs to the object that states a policy: a limit of a service is shared by all its routes, one of a
 * cluster by all that lead there, one of a route is its own.
 */
export function statedBy({ service, route, cluster }: PlanScope, policy: keyof PolicyRule): string {
  const ofService = `service/${service.key}/${policy}`;
  if (route.policy[policy] !== undefined) return `${ofService}/${routeKey(route)}`;
  return cluster.policy[policy] === undefined ? ofService : `cluster/${cluster.name}/${policy}`;
}

/** How a route is known in keys of the StateStore: by its name, and if it has none, by what it matches. */
export function routeKey(route: RouteRule): string {
  return route.name || JSON.stringify(matchKey(route.match));
}

/** A match as a JSON-able value: JSON has no bigint, which ranges are made of. */
export function matchKey(match: readonly AttributeMatch[]): unknown {
  return match.map((it) => (it.kind === 'range' ? { ...it, start: String(it.start), end: String(it.end) } : it));
}
