import type { ClusterRule, LimitsRule, PolicyRule, RouteRule, ServiceRule } from './model.js';

/** A policy set in code, over what rules say. Absent fields of the target mean any. */
export interface PolicyOverride {
  readonly host: string;
  readonly port?: number;
  readonly subset?: string;
  /** Name of a route. */
  readonly route?: string;
  readonly policy: PolicyRule;
}

/** Field by field, later over earlier; `limits` one by one. */
export function mergePolicies(...levels: readonly PolicyRule[]): PolicyRule {
  let merged: PolicyRule = {};
  for (const level of levels) {
    const limits = { ...merged.limits, ...level.limits };
    merged = { ...merged, ...level, ...(Object.keys(limits).length === 0 ? {} : { limits }) };
  }
  return merged;
}

/** What holds for calls of this route to this cluster: code over route over cluster over service. */
export function effectivePolicy(
  service: ServiceRule,
  cluster: ClusterRule | undefined,
  route: RouteRule,
  overrides: readonly PolicyOverride[] = [],
): PolicyRule {
  const inCode = overrides.filter(
    (it) =>
      it.host === service.host &&
      (it.port ?? service.port) === service.port &&
      (it.route ?? route.name) === route.name &&
      (it.subset ?? cluster?.subset) === cluster?.subset,
  );
  return mergePolicies(service.policy, cluster?.policy ?? {}, route.policy, ...inCode.map((it) => it.policy));
}

/** Thresholds in force: the policy's over the cluster's own. */
export function effectiveLimits(cluster: ClusterRule, policy: PolicyRule): LimitsRule {
  return { ...cluster.limits, ...policy.limits };
}
