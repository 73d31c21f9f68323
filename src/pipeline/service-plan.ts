import { type Call, Failure, type Outcome } from '../call/index.js';
import type { Protocol } from '../message/index.js';
import type { HashEngine } from '../policy/index.js';
import { type CompiledRoute, hashOf, type RouteTable } from '../routing/index.js';
import type { ServiceRule } from '../rules/index.js';
import type { Runtime, Work } from '../runtime/index.js';
import type { AttemptTelemetryGate, RouteMeter } from '../telemetry/index.js';
import type { ActiveCalls } from './active-calls.js';
import type { InterceptorChain } from './interceptors.js';
import { RoutedPass } from './pass-run.js';
import { type PassOwner, RoutePlan } from './plan.js';
import type { RoutedCall } from './routed-call.js';

/** Routes between two yields: some tens of µs. */
const STEP = 128;

/** What a service's plans count in. Must not throw. */
export interface ServiceMeters {
  started(call: RoutedCall): void;
  ended(call: RoutedCall, outcome: Outcome): void;
  route(name: string): RouteMeter;
  attempts(cluster: string): AttemptTelemetryGate;
  /** The service's last call has ended, and its plans are gone. */
  close(): void;
}

/** Compiles the plan of a route to one of its clusters, when it is first needed. */
export type CompilePlan = (route: CompiledRoute, destination: number) => RoutePlan | Failure;

export interface ServicePlanParts {
  readonly rule: ServiceRule;
  readonly direction: 'outbound' | 'inbound';
  readonly protocol: Protocol;
  readonly runtime: Runtime;
  readonly table: RouteTable;
  readonly meters: ServiceMeters;
  readonly beforeRoute: InterceptorChain | null;
  readonly hash: HashEngine | undefined;
  readonly active: ActiveCalls;
  readonly compile: CompilePlan;
  /** Lets go of clusters, state and meters. */
  readonly dispose: () => void;
}

/** A compiled service: its entry plan and its route table, with the plans of the routes that have been used. */
export class ServicePlan {
  readonly rule: ServiceRule;
  readonly protocol: Protocol;
  readonly runtime: Runtime;
  readonly table: RouteTable;
  readonly meters: ServiceMeters;
  readonly beforeRoute: InterceptorChain | null;
  private readonly hash: HashEngine | undefined;
  private readonly active: ActiveCalls;
  private readonly plans: (RoutePlan | Failure)[][] = [];
  private inflight = 0;
  private retired = false;

  constructor(private readonly parts: ServicePlanParts) {
    this.rule = parts.rule;
    this.protocol = parts.protocol;
    this.runtime = parts.runtime;
    this.table = parts.table;
    this.meters = parts.meters;
    this.beforeRoute = parts.beforeRoute;
    this.hash = parts.hash;
    this.active = parts.active;
  }

  /**
   * Chooses route and cluster and starts a pass. What refuses goes to the owner too.
   * @param call - `of`, or what an interceptor put in its place; its `now` is up to date
   */
  route(call: Call, owner: PassOwner, of: RoutedCall): RoutedPass | Refused {
    const route = this.table.match(call);
    if (route === undefined) return refuse(owner, this.noRoute(call));
    if (call.draw < 0 && route.rule.destinations.length > 1) call.draw = this.runtime.random();
    const destination = route.pickDestination(call.draw);
    if (destination < 0) return refuse(owner, unroutable(this.rule, route));
    const plan = this.plan(route, destination);
    if (plan instanceof Failure) return refuse(owner, plan);
    const pass = new RoutedPass(call, plan, owner);
    of.pass = pass;
    if (plan.hashKeys !== null && this.hash !== undefined) pass.hash = hashOf(call, plan.hashKeys, this.hash);
    pass.start();
    return pass;
  }

  plan(route: CompiledRoute, destination: number): RoutePlan | Failure {
    let plans = this.plans[route.index];
    if (plans === undefined) {
      plans = [];
      this.plans[route.index] = plans;
    }
    const known = plans[destination];
    if (known !== undefined) return known;
    // An interceptor that goes on after the last call has ended: nobody would let go of what a plan holds.
    if (this.retired && this.inflight === 0)
      return new Failure('DRAINING', { role: 'match', reason: 'its call is over' });
    const plan = this.parts.compile(route, destination);
    // A missing cluster may come any moment, with no change to this service; anything else stays as it is.
    if (plan instanceof RoutePlan || plan.code !== 'NO_CLUSTER') plans[destination] = plan;
    return plan;
  }

  /**
   * Compiles what takes over from the plan before, as long as that one still holds it: the same routes to the same
   * clusters, one route to each cluster that was in use, and the first route. Else a change of rules would close
   * connections, forget ejections, refill buckets and lose counts between the last call of the old plan and the first of
   * the new. Costs what was in use, not what there is.
   */
  *takeOver(before: ServicePlan): Work {
    const wanted = new Set<string>();
    const clusters = new Set<string>();
    for (const plan of before.plans.flat()) {
      if (!(plan instanceof RoutePlan)) continue;
      wanted.add(`${plan.route.name}\n${plan.cluster.name}`);
      clusters.add(plan.cluster.name);
    }
    if (wanted.size === 0) return;
    for (const route of this.table.routes) {
      const { destinations } = route.rule;
      for (let at = 0; at < destinations.length; at++) {
        const { cluster } = destinations[at]!;
        const first = route.index === 0 && at === 0;
        if (!clusters.delete(cluster) && !first && !wanted.has(`${route.name}\n${cluster}`)) continue;
        this.plan(route, at);
        yield;
      }
      if (route.index % STEP === STEP - 1) yield;
    }
  }

  /** A call goes in. */
  enter(call: RoutedCall): void {
    this.inflight++;
    this.active.add(call);
  }

  /** A call has ended. */
  leave(call: RoutedCall): void {
    this.active.remove(call);
    if (--this.inflight === 0 && this.retired) this.parts.dispose();
  }

  /** No new calls come: what the plans hold is let go when the last call has ended. */
  retire(): void {
    this.retired = true;
    if (this.inflight === 0) this.parts.dispose();
  }

  private noRoute(call: Call): Failure {
    const { host, port, from } = this.rule;
    return new Failure('NO_ROUTE', {
      role: 'match',
      reason: `none of the ${this.rule.routes.length} routes of ${host}:${port} (${from.origin}) matches ${call.request.operation}`,
    });
  }
}

function unroutable(service: ServiceRule, route: CompiledRoute): Failure {
  return new Failure('NO_CLUSTER', {
    role: 'match',
    reason: `route '${route.name}' of ${service.host}:${service.port} has no destination with a weight above 0`,
  });
}

function refuse(owner: PassOwner, failure: Failure): Refused {
  owner.passEnded(undefined, failure);
  return REFUSED;
}

interface Refused {
  end(): void;
}

const REFUSED: Refused = { end() {} };
