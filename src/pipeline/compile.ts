import { Failure } from '../call/index.js';
import { BalanceGate, type Cluster, OutlierGate } from '../cluster/index.js';
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
  type StageBinder,
  type StateStore,
} from '../policy/index.js';
import { allHold, type CompiledRoute, compileMatches } from '../routing/index.js';
import { effectivePolicy, type ServiceRule } from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';
import type { InterceptorChain } from './interceptors.js';
import { mirrorTo } from './mirror.js';
import { RoutePlan, type Slots } from './plan.js';

/** What compiling a plan takes from the mesh. */
export interface CompileContext {
  readonly direction: 'outbound' | 'inbound';
  readonly service: ServiceRule;
  readonly runtime: Runtime;
  readonly engines: Engines;
  readonly state: StateStore;
  readonly routed: InterceptorChain | null;
  readonly cluster: (name: string) => Cluster | undefined;
  readonly onBreaker?: (cluster: string, state: BreakerState) => void;
  readonly attemptTelemetry: (cluster: Cluster) => Slots['attemptTelemetry'];
}

/** The plan of a route to one of its destinations, or why there is none. */
export function compilePlan(context: CompileContext, route: CompiledRoute, clusterName: string): RoutePlan | Failure {
  const cluster = context.cluster(clusterName);
  if (cluster === undefined) return noCluster(context.service, route, clusterName);
  const scope = scopeOf(context, route, cluster);
  const fill = <S>(binder: StageBinder<S>): S | null => binder.bind(scope) ?? null;
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

/** A mirror's way to its cluster: limits and timeouts hold, but it is not retried, interrupts nothing and mirrors nothing. */
function compileMirror(context: CompileContext, route: CompiledRoute, clusterName: string): RoutePlan | Failure {
  const cluster = context.cluster(clusterName);
  if (cluster === undefined) return noCluster(context.service, route, clusterName);
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
    attemptTelemetry: context.attemptTelemetry(cluster),
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
  const hashed = cluster.rule.balancer.kind === 'ring-hash' && route.hashKeys.length > 0;
  return new RoutePlan(
    context.runtime,
    route.rule,
    cluster.rule,
    scope.policy,
    slots,
    hashed ? route.hashKeys : null,
    route.requestMutation,
    route.responseMutation,
    (name) => compilePlan(context, route, name),
  );
}

function scopeOf(context: CompileContext, route: CompiledRoute, cluster: Cluster): PlanScope {
  const mirrors = new Map<string, RoutePlan | Failure>();
  return {
    direction: context.direction,
    service: context.service,
    route: route.rule,
    cluster: cluster.rule,
    policy: effectivePolicy(context.service, cluster.rule, route.rule),
    runtime: context.runtime,
    engines: context.engines,
    state: context.state,
    ...(context.onBreaker === undefined ? {} : { onBreaker: context.onBreaker }),
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

function noCluster({ host, port }: ServiceRule, route: CompiledRoute, clusterName: string): Failure {
  return new Failure('NO_CLUSTER', {
    role: 'match',
    reason: `route '${route.name}' of ${host}:${port} names cluster ${clusterName}, which no ServiceEntry, Service or DestinationRule subset describes`,
  });
}
