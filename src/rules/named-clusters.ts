import type { ServiceRule } from './model.js';

/** Every cluster that the service's table may send something to: destinations, mirrors, fallbacks. */
export function namedClusters({ policy, routes }: ServiceRule): ReadonlySet<string> {
  const names = new Set<string>();
  if (policy.fallback !== undefined) names.add(policy.fallback.cluster);
  for (let i = 0; i < routes.length; i++) {
    const { destinations, mirrors, policy } = routes[i]!;
    for (let at = 0; at < destinations.length; at++) names.add(destinations[at]!.cluster);
    for (let at = 0; at < mirrors.length; at++) names.add(mirrors[at]!.cluster);
    if (policy.fallback !== undefined) names.add(policy.fallback.cluster);
  }
  return names;
}

/** Clusters that calls would be sent to and that nobody describes. A mirror or fallback that is missing fails no call. */
export function unknownClusters({ routes }: ServiceRule, clusters: { has(name: string): boolean }): readonly string[] {
  const seen = new Set<string>();
  for (let i = 0; i < routes.length; i++) {
    const { destinations } = routes[i]!;
    for (let at = 0; at < destinations.length; at++) seen.add(destinations[at]!.cluster);
  }
  return [...seen].filter((name) => !clusters.has(name));
}
