import { type Attempt, Failure } from '../call/index.js';
import type { ClusterRule } from '../rules/index.js';
import { triedBefore } from './candidates.js';
import type { Endpoint } from './endpoint.js';
import { wantsMtls } from './members.js';

/**
 * The Failure of an attempt for which no endpoint can be used: how many there are, and what is against each. An endpoint
 * counts under the first that applies of: wants mTLS, draining, ejected, tried. Where all want mTLS only a sidecar could
 * have served the call.
 */
export function noEndpoint(cluster: ClusterRule, endpoints: readonly Endpoint[], attempt: Attempt): Failure {
  const onlyMtls = endpoints.length > 0 && endpoints.every(({ rule }) => wantsMtls(rule, cluster));
  return new Failure(onlyMtls ? 'NO_SIDECAR' : 'NO_ENDPOINT', {
    role: 'balance',
    reason: `${cluster.name}: ${why(cluster, endpoints, attempt)}`,
  });
}

function why(cluster: ClusterRule, endpoints: readonly Endpoint[], attempt: Attempt): string {
  if (endpoints.length === 0) {
    const labels = Object.entries(cluster.labels).map(([key, value]) => `${key}=${value}`);
    return labels.length === 0
      ? 'it has no endpoints'
      : `no endpoint of ${cluster.endpointsKey} has ${labels.join(', ')}`;
  }
  let mtls = 0;
  let draining = 0;
  let ejected = 0;
  let tried = 0;
  for (const endpoint of endpoints) {
    if (wantsMtls(endpoint.rule, cluster)) mtls++;
    else if (endpoint.draining || endpoint.peer.draining) draining++;
    else if (endpoint.ejectedUntil !== 0) ejected++;
    else if (attempt.unreachable?.includes(endpoint) || triedBefore(attempt, endpoint)) tried++;
  }
  const counts = [
    ejected > 0 && `${ejected} ejected`,
    draining > 0 && `${draining} draining`,
    tried > 0 && `${tried} tried already`,
    mtls > 0 &&
      `${mtls} want mTLS, which cannot be presented yet and is never left out: only a sidecar can make these calls`,
  ].filter((count) => count !== false);
  return `none of ${endpoints.length} endpoints can be used: ${counts.join(', ')}`;
}
