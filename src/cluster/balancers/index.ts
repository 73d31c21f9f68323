/** Balancers, a file each, and the choice among them. Imports `cluster`'s endpoint and candidates, and what they may import. */
import type { BalancerRule, ClusterRule, HashEngine } from '../../rules/index.js';
import type { Runtime } from '../../runtime/index.js';
import type { Balancer } from '../balancer.js';
import type { Endpoint } from '../endpoint.js';
import { leastRequest } from './least-request.js';
import { Random } from './random.js';
import { RingHash } from './ring-hash.js';
import { roundRobin } from './round-robin.js';

export { leastRequest } from './least-request.js';
export { OriginalDestination } from './original-destination.js';

/** @throws {@link Error} - the rule needs an engine that isn't there. */
export function checkBalancer(cluster: ClusterRule, hash: HashEngine | undefined): void {
  if (cluster.balancer.kind !== 'ring-hash' || hash !== undefined) return;
  throw new Error(
    `${cluster.name} (${cluster.from.origin}): ring hash needs the engine "hash", which is not there; give the mesh one, such as meltemi/engines/xxhash`,
  );
}

export function createBalancer(
  rule: Exclude<BalancerRule, { kind: 'original-destination' }>,
  endpoints: readonly Endpoint[],
  runtime: Runtime,
  hash: HashEngine | undefined,
): Balancer {
  switch (rule.kind) {
    case 'round-robin':
      return roundRobin(endpoints, runtime);
    case 'random':
      return new Random(endpoints, runtime);
    case 'least-request':
      return leastRequest(endpoints, runtime, rule.choices);
    case 'ring-hash':
      return new RingHash(endpoints, runtime, hash!, rule);
  }
}
