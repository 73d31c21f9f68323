import type { ServiceRule } from '../../rules/index.js';

/** What a placement needs of a service's rule. */
export interface Digest {
  /** Names of the clusters that its routes lead to. */
  readonly clusters: readonly string[];
  /** Sources that it and its routes come from. */
  readonly sources: readonly string[];
}

const digests = new WeakMap<ServiceRule, Digest>();

/** Made once for each rule, since a call waits for it, and tables may have 10,000 routes to the same two clusters. */
export function digestOf(service: ServiceRule): Digest {
  let digest = digests.get(service);
  if (digest === undefined) {
    const clusters = new Set<string>();
    const sources = new Set([service.from.source]);
    for (const { destinations, from } of service.routes) {
      sources.add(from.source);
      for (const { cluster } of destinations) clusters.add(cluster);
    }
    digest = { clusters: [...clusters], sources: [...sources] };
    digests.set(service, digest);
  }
  return digest;
}
