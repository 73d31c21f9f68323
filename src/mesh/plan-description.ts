import { Failure } from '../call/index.js';
import { ROLES, type RoutePlan } from '../pipeline/index.js';
import type { Share } from '../policy/index.js';
import { formatMatch } from '../routing/index.js';
import type { PolicyRule } from '../rules/index.js';
import type { PlacementStatus } from './placement/index.js';
import { sharesOf } from './shares.js';
import type { Target } from './target.js';

/** A stage of a compiled plan, for people. */
export interface StageDescription {
  readonly role: string;
  readonly part: 'entry' | 'route' | 'attempt';
  /** Why it stands where it stands. */
  readonly why: string;
}

/** The compiled plan of a route to one of its clusters. */
export interface PlanDescription {
  readonly service: string;
  /** Where its calls go: unless that is in-process, this plan is what they would get. */
  readonly placement: PlacementStatus;
  readonly route: string;
  readonly origin: string;
  readonly match: readonly string[];
  readonly cluster: string;
  /** As written; 100 for an only destination. */
  readonly weight: number;
  /** Outermost first: only those that this plan has. */
  readonly stages: readonly StageDescription[];
  readonly policy: PolicyRule;
  /** Where several processes share limits: what of each is this one's. */
  readonly shares: readonly string[];
  readonly interceptors: readonly string[];
  /** Set if there is no plan: code and reason. */
  readonly problem?: string;
}

/** All plans of the services at a destination; compiles those that were never used. */
export function describePlan(target: Target, placement: PlacementStatus, share: Share): readonly PlanDescription[] {
  return target.described.flatMap((rule) => {
    const service = `${rule.host}:${rule.port}`;
    const compiled = target.planOf(rule);
    if (compiled instanceof Failure) throw compiled;
    return compiled.table.routes.flatMap((route) =>
      route.rule.destinations.map(({ cluster, weight }, at) => {
        const plan = compiled.plan(route, at);
        const about = {
          service,
          placement,
          route: route.name,
          origin: route.rule.from.origin,
          match: route.rule.match.map(formatMatch),
          cluster,
          weight: route.rule.destinations.length === 1 ? 100 : weight,
        };
        const before = compiled.beforeRoute?.interceptors.map((it) => it.name) ?? [];
        if (plan instanceof Failure) {
          return { ...about, stages: [], policy: {}, shares: [], interceptors: before, problem: plan.message };
        }
        const routed = plan.interceptors?.interceptors.map((it) => it.name) ?? [];
        return {
          ...about,
          stages: stagesOf(plan, before.length > 0),
          policy: plan.policy,
          shares: sharesOf(plan, share),
          interceptors: [...before, ...routed],
        };
      }),
    );
  });
}

function stagesOf(plan: RoutePlan, beforeRoute: boolean): StageDescription[] {
  const present: Record<string, boolean> = {
    telemetry: true,
    'interceptors-before-route': beforeRoute,
    match: true,
    deadline: plan.deadline !== null,
    fallback: plan.fallback !== null,
    'rate-limit': plan.rateLimit !== null,
    pacing: plan.pacing !== null,
    'interceptors-routed': plan.interceptors !== null,
    mirror: plan.mirror !== null,
    retry: plan.retry !== null,
    'circuit-breaker': plan.breaker !== null,
    concurrency: plan.concurrency !== null,
    balance: true,
    outlier: plan.outlier !== null,
    'attempt-telemetry': plan.attemptTelemetry !== null,
    'attempt-timeout': plan.attemptTimeout !== null,
    dispatch: true,
  };
  return ROLES.filter((it) => present[it.role]);
}
