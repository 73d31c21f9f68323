import type { AttributeMatch, RouteRule } from '../rules/index.js';

/** How a route is known in keys of the StateStore: by its name, and if it has none, by what it matches. */
export function routeKey(route: RouteRule): string {
  return route.name || JSON.stringify(matchKey(route.match));
}

/** A match as a JSON-able value: JSON has no bigint, which ranges are made of. */
export function matchKey(match: readonly AttributeMatch[]): unknown {
  return match.map((it) => (it.kind === 'range' ? { ...it, start: String(it.start), end: String(it.end) } : it));
}
