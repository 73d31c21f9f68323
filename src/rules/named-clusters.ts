import type { ServiceRule } from './model.js';

/** Every cluster that the service's table may send something to: destinations, mirrors, fallbacks. */
export function namedClusters(service: ServiceRule): ReadonlySet<string> {
  const names = new Set<string>();
  if (service.policy.fallback !== undefined) names.add(service.policy.fallback.cluster);
  for (const { destinations, mirrors, policy } of service.routes) {
    for (const { cluster } of destinations) names.add(cluster);
    for (const { cluster } of mirrors) names.add(cluster);
    if (policy.fallback !== undefined) names.add(policy.fallback.cluster);
  }
  return names;
}

/** Clusters that calls would be sent to and that nobody describes. A mirror or fallback that is missing fails no call. */
export function unknownClusters(service: ServiceRule, clusters: { has(name: string): boolean }): readonly string[] {
  const unknown = new Set<string>();
  for (const { destinations } of service.routes) {
    for (const { cluster } of destinations) if (!clusters.has(cluster)) unknown.add(cluster);
  }
  return [...unknown];
}
