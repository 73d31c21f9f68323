import type { ClusterRule, ServiceRule } from './model.js';

/** What other rules there are, by key. */
export interface KnownRules {
  readonly services: Pick<ReadonlyMap<string, ServiceRule>, 'get'>;
  readonly clusters: Pick<ReadonlyMap<string, ClusterRule>, 'get'>;
}

/**
 * Destinations, mirrors and fallbacks of a service that speak another protocol than its callers do: nothing here translates
 * between protocols, so bytes sent there could only be misread. Clusters that nobody describes are not judged.
 */
export function foreignClusters(
  service: ServiceRule,
  names: Iterable<string>,
  { services, clusters }: KnownRules,
): readonly { readonly cluster: string; readonly protocol: string }[] {
  const foreign: { cluster: string; protocol: string }[] = [];
  for (const cluster of names) {
    const rule = clusters.get(cluster);
    const protocol = rule === undefined ? undefined : services.get(rule.endpointsKey)?.protocol;
    if (protocol !== undefined && service.protocol !== undefined && protocol !== service.protocol) {
      foreign.push({ cluster, protocol });
    }
  }
  return foreign;
}
