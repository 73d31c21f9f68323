import type { ClusterRule, LimitsRule, PolicyRule, RouteRule, ServiceRule } from './model.js';

/** Field by field, later over earlier. */
export function mergePolicies(...levels: readonly PolicyRule[]): PolicyRule {
  let merged: PolicyRule = {};
  for (const level of levels) {
    merged = { ...merged, ...level };
    if (level.limits !== undefined) merged = { ...merged, limits: { ...merged.limits, ...level.limits } };
  }
  return merged;
}

/** What holds for calls of this route to this cluster: route over cluster over service. */
export function effectivePolicy(service: ServiceRule, cluster: ClusterRule | undefined, route: RouteRule): PolicyRule {
  return mergePolicies(service.policy, cluster?.policy ?? {}, route.policy);
}

/** Thresholds in force: the policy's over the cluster's own. */
export function effectiveLimits(cluster: ClusterRule, policy: PolicyRule): LimitsRule {
  return { ...cluster.limits, ...policy.limits };
}
