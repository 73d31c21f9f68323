import { Failure, type Outcome } from '../call/index.js';
import type { HashEngine } from '../policy/index.js';
import { type CompiledRoute, hashOf, type RouteTable } from '../routing/index.js';
import type { ServiceRule } from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';
import type { ActiveCalls } from './active-calls.js';
import type { InterceptorChain } from './interceptors.js';
import { RoutedPass } from './pass-run.js';
import type { PassOwner, RoutePlan } from './plan.js';
import type { RoutedCall } from './routed-call.js';

/** What the entry plan tells telemetry. Must not throw. */
export interface CallTelemetry {
  callEnded(call: RoutedCall, outcome: Outcome): void;
}

/** Compiles the plan of a route to one of its clusters, when it is first needed. */
export type CompilePlan = (route: CompiledRoute, destination: number) => RoutePlan | Failure;

/** A compiled service: its entry plan and its route table, with the plans of the routes that have been used. */
export class ServicePlan {
  private readonly plans: (RoutePlan | Failure)[][] = [];
  private inflight = 0;
  private retired = false;

  constructor(
    readonly rule: ServiceRule,
    readonly direction: 'outbound' | 'inbound',
    readonly runtime: Runtime,
    readonly table: RouteTable,
    readonly beforeRoute: InterceptorChain | null,
    readonly telemetry: CallTelemetry | null,
    private readonly hash: HashEngine | undefined,
    private readonly active: ActiveCalls,
    private readonly compile: CompilePlan,
    /** Lets go of clusters and state. */
    private readonly dispose: () => void,
  ) {}

  /** Chooses route and cluster and starts a pass. What refuses goes to the owner too. */
  route(call: RoutedCall, owner: PassOwner): RoutedPass | Refused {
    const route = this.table.match(call);
    if (route === undefined) return refuse(owner, this.noRoute(call));
    const destination = route.pickDestination(call.draw);
    if (destination < 0) return refuse(owner, unroutable(this.rule, route));
    const plan = this.plan(route, destination);
    if (plan instanceof Failure) return refuse(owner, plan);
    const pass = new RoutedPass(call, plan, owner);
    call.pass = pass;
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
    let plan = plans[destination];
    if (plan === undefined) {
      plan = this.compile(route, destination);
      // A missing cluster may come any moment, with no change to this service.
      if (plan instanceof Failure) return plan;
      plans[destination] = plan;
    }
    return plan;
  }

  /** A call goes in. */
  enter(call: RoutedCall): void {
    this.inflight++;
    this.active.add(call);
  }

  /** A call has ended. */
  leave(call: RoutedCall): void {
    this.active.remove(call);
    if (--this.inflight === 0 && this.retired) this.dispose();
  }

  /** No new calls come: what the plans hold is let go when the last call has ended. */
  retire(): void {
    this.retired = true;
    if (this.inflight === 0) this.dispose();
  }

  private noRoute(call: RoutedCall): Failure {
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
