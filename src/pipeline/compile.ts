import { Failure } from '../call/index.js';
import { BalanceGate, type Cluster, OutlierGate } from '../cluster/index.js';
import type { Sharing } from '../message/index.js';
import {
  attemptTimeoutStage,
  type BreakerState,
  circuitBreakerStage,
  concurrencyStage,
  deadlineStage,
  type Engines,
  fallbackStage,
  mirrorStage,
  type PlanScope,
  pacingStage,
  rateLimitStage,
  retryStage,
  type Share,
  type StageBinder,
  type StateStore,
} from '../policy/index.js';
import { allHold, type CompiledRoute, compileMatches } from '../routing/index.js';
import { clusterName, effectivePolicy, type PolicyOverride, type ServiceRule } from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';
import type { InterceptorChain } from './interceptors.js';
import { mirrorTo } from './mirror.js';
import { observed } from './observe.js';
import { RoutePlan, type Slots } from './plan.js';
import type { ServiceMeters } from './service-plan.js';

/** What compiling a plan takes from the mesh. */
export interface CompileContext {
  /** Of the protocol. */
  readonly sharing: Sharing;
  readonly direction: 'outbound' | 'inbound';
  readonly service: ServiceRule;
  readonly runtime: Runtime;
  readonly engines: Engines;
  /** Of limits. @defaultValue the whole */
  readonly share?: Share;
  /** Set in code: over what rules say. */
  readonly policies: readonly PolicyOverride[];
  readonly state: StateStore;
  readonly routed: InterceptorChain | null;
  readonly cluster: (name: string) => Cluster | undefined;
  readonly onBreaker: (cluster: string, state: BreakerState) => void;
  readonly meters: ServiceMeters;
  /** Decide and write down, enforce nothing. */
  readonly observe: boolean;
  /** Clusters that calls have failed at before they fall back to this plan. @defaultValue none */
  readonly fallenFrom?: readonly string[];
}

/**
 * The plan of a route to one of its destinations, or why there is none. A policy that cannot be bound was not checked when
 * it was loaded, or set in code: its calls fail and say so, and no call goes without a limit that was asked for.
 */
export function compilePlan(context: CompileContext, route: CompiledRoute, name: string): RoutePlan | Failure {
  try {
    const cluster = context.cluster(name);
    if (cluster === undefined) return noCluster(context.service, route, name);
    return bindPlan(context, route, cluster);
  } catch (thrown) {
    return Failure.from(thrown, `policies of route '${route.name}' to ${name}`);
  }
}

function bindPlan(context: CompileContext, route: CompiledRoute, cluster: Cluster): RoutePlan | Failure {
  const scope = scopeOf(context, route, cluster);
  const fill = <S>(binder: StageBinder<S>): S | null => binder.bind(scope) ?? null;
  if (context.observe) return observingPlan(context, route, cluster, scope);
  return planOf(context, route, cluster, scope, {
    deadline: fill(deadlineStage),
    fallback: fill(fallbackStage),
    rateLimit: fill(rateLimitStage),
    pacing: fill(pacingStage),
    interceptors: context.routed,
    mirror: fill(mirrorStage),
    retry: fill(retryStage),
    breaker: fill(circuitBreakerStage),
    ...attemptSlots(context, cluster, scope),
  });
}

/** The route is found and what limits is asked; the call goes to its service, whatever they say. */
function observingPlan(
  context: CompileContext,
  route: CompiledRoute,
  decided: Cluster,
  scope: PlanScope,
): RoutePlan | Failure {
  const { host, port } = context.service;
  const actual = context.direction === 'inbound' ? decided : context.cluster(clusterName(host, port));
  if (actual === undefined) return noCluster(context.service, route, clusterName(host, port));
  const plan = planOf(context, route, decided, scope, {
    // The caller's own.
    deadline: deadlineStage.bind({ ...scope, policy: {} }) ?? null,
    fallback: null,
    rateLimit: observed(rateLimitStage.bind(scope) ?? null, 'rate-limit'),
    pacing: observed(pacingStage.bind(scope) ?? null, 'pacing'),
    interceptors: context.routed,
    mirror: null,
    retry: null,
    breaker: observed(circuitBreakerStage.bind(scope) ?? null, 'circuit-breaker'),
    concurrency: observed(concurrencyStage.bind(scope) ?? null, 'concurrency'),
    balance: new BalanceGate(actual),
    outlier: null,
    attemptTelemetry: context.meters.attempts(actual.name),
    attemptTimeout: null,
  });
  return plan.withoutMutations();
}

/** A mirror's way to its cluster: limits and timeouts hold, but it is not retried, interrupts nothing and mirrors nothing. */
function compileMirror(context: CompileContext, route: CompiledRoute, name: string): RoutePlan | Failure {
  const cluster = context.cluster(name);
  if (cluster === undefined) return noCluster(context.service, route, name);
  const scope = scopeOf(context, route, cluster);
  return planOf(context, route, cluster, scope, {
    deadline: deadlineStage.bind(scope) ?? null,
    fallback: null,
    rateLimit: null,
    pacing: null,
    interceptors: null,
    mirror: null,
    retry: null,
    breaker: null,
    ...attemptSlots(context, cluster, scope),
  });
}

function attemptSlots(context: CompileContext, cluster: Cluster, scope: PlanScope) {
  return {
    concurrency: concurrencyStage.bind(scope) ?? null,
    balance: new BalanceGate(cluster),
    outlier: new OutlierGate(cluster),
    attemptTelemetry: context.meters.attempts(cluster.name),
    attemptTimeout: attemptTimeoutStage.bind(scope) ?? null,
  };
}

function planOf(
  context: CompileContext,
  route: CompiledRoute,
  cluster: Cluster,
  scope: PlanScope,
  slots: Slots,
): RoutePlan {
  const fallbacks = new Map<string, RoutePlan>();
  const hashed = cluster.rule.balancer.kind === 'ring-hash' && route.hashKeys.length > 0;
  return new RoutePlan(
    context.runtime,
    route.rule,
    cluster.rule,
    scope.policy,
    slots,
    context.meters.route(route.name),
    hashed ? route.hashKeys : null,
    route.requestMutation,
    route.responseMutation,
    (name) => {
      const known = fallbacks.get(name);
      if (known !== undefined) return known;
      const fallenFrom = [...(context.fallenFrom ?? []), cluster.name];
      // Two clusters may each name the other.
      if (fallenFrom.includes(name)) return new Failure('NO_CLUSTER', { reason: `${name} has failed already` });
      const plan = compilePlan({ ...context, fallenFrom }, route, name);
      if (plan instanceof RoutePlan) fallbacks.set(name, plan);
      return plan;
    },
  );
}

function scopeOf(context: CompileContext, route: CompiledRoute, cluster: Cluster): PlanScope {
  const mirrors = new Map<string, RoutePlan | Failure>();
  return {
    direction: context.direction,
    sharing: context.sharing,
    service: context.service,
    route: route.rule,
    cluster: cluster.rule,
    policy: effectivePolicy(context.service, cluster.rule, route.rule, context.policies),
    runtime: context.runtime,
    engines: context.engines,
    state: context.state,
    ...(context.share === undefined ? {} : { share: context.share }),
    onBreaker: context.onBreaker,
    compile: (match) => {
      const matchers = compileMatches(match, context.engines, route.rule.from);
      return (call) => allHold(matchers, call);
    },
    mirror: (call, name) => {
      let plan = mirrors.get(name);
      if (plan === undefined || plan instanceof Failure) {
        plan = compileMirror(context, route, name);
        mirrors.set(name, plan);
      }
      if (plan instanceof RoutePlan) mirrorTo(call, plan);
    },
  };
}

function noCluster({ host, port }: ServiceRule, route: CompiledRoute, name: string): Failure {
  return new Failure('NO_CLUSTER', {
    role: 'match',
    reason: `route '${route.name}' of ${host}:${port} names cluster ${name}, which no ServiceEntry, Service or DestinationRule subset describes`,
  });
}
