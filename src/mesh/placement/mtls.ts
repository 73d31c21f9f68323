import { wantsMtls } from '../../cluster/index.js';
import type { ClusterRule, EndpointRule, EndpointsRule, ServiceRule } from '../../rules/index.js';
import type { PlacementFacts } from './decide.js';
import { digestOf } from './digest.js';

export interface MtlsRules {
  readonly clusters: ReadonlyMap<string, ClusterRule>;
  readonly endpoints: ReadonlyMap<string, EndpointsRule>;
}

const NONE: readonly EndpointRule[] = [];

/**
 * How many endpoints of the clusters that the services' routes lead to want mTLS. A list of endpoints is looked through
 * once for each time that it changes; where nobody wants mTLS that is all.
 */
export function mtlsOf(services: readonly ServiceRule[], { clusters, endpoints }: MtlsRules): PlacementFacts['mtls'] {
  let wanting = false;
  let plain = false;
  for (const service of services) {
    for (const name of digestOf(service).clusters) {
      const cluster = clusters.get(name);
      if (cluster === undefined) continue;
      const all = endpoints.get(cluster.endpointsKey);
      if (cluster.tlsMode === 'disabled' && !anyWanting(all)) {
        plain ||= (all?.endpoints.length ?? 0) > 0;
        continue;
      }
      const labels = Object.entries(cluster.labels);
      for (const endpoint of all?.endpoints ?? NONE) {
        if (!labels.every(([key, value]) => endpoint.labels[key] === value)) continue;
        if (wantsMtls(endpoint, cluster)) wanting = true;
        else plain = true;
        if (wanting && plain) return 'some';
      }
    }
  }
  return wanting ? 'all' : 'none';
}

const looked = new WeakMap<EndpointsRule, boolean>();

function anyWanting(rule: EndpointsRule | undefined): boolean {
  if (rule === undefined) return false;
  let any = looked.get(rule);
  if (any === undefined) {
    any = rule.endpoints.some(({ tlsMode }) => tlsMode === 'istio');
    looked.set(rule, any);
  }
  return any;
}
