import { BehaviorSubject, type Observable } from 'rxjs';
import { Failure } from '../call/index.js';
import type { Protocol } from '../message/index.js';
import {
  type ActiveCalls,
  type CompileContext,
  compilePlan,
  type InterceptorChain,
  ServicePlan,
} from '../pipeline/index.js';
import { type BreakerState, type Engines, KeyedStateStore, type Share } from '../policy/index.js';
import { RouteTable } from '../routing/index.js';
import type { Adoption, AdoptionChange, PolicyOverride, ServiceRule } from '../rules/index.js';
import { finish, type Runtime, type Work } from '../runtime/index.js';
import type { Logger } from '../telemetry/index.js';
import type { Clusters, HeldCluster } from './clusters.js';
import { type MeshTelemetry, PlanMeters } from './telemetry.js';

export interface ServicesContext {
  readonly runtime: Runtime;
  readonly engines: Engines;
  readonly share: Share;
  readonly policies: readonly PolicyOverride[];
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly adoption: Adoption;
  readonly clusters: Clusters;
  readonly beforeRoute: InterceptorChain | null;
  readonly routed: InterceptorChain | null;
  readonly telemetry: MeshTelemetry;
  readonly observe: boolean;
  readonly active: ActiveCalls;
  readonly logger: Logger;
  readonly onBreaker: (cluster: string, state: BreakerState) => void;
}

/** Tables of more routes are built when they come, and not when the first call needs them: that takes ms. */
const LARGE = 500;

/** A plan that has taken the place of another. */
interface Succession {
  readonly before: ServicePlan;
  readonly after: ServicePlan;
}

/** A table that was built before it is needed, or why it cannot be. */
interface Ready {
  readonly rule: ServiceRule;
  readonly table: RouteTable | Failure;
}

/**
 * The services in use, compiled when one is first asked for. When rules change under it, its new table is built aside. From
 * the moment that the change is in force the next call finds the new plan, made there and then from that table; those
 * that nobody calls follow in slices. Calls in flight finish on the plan they started with.
 */
export class Services {
  /** Outlives plans, so that a change of rules never refills a bucket. */
  readonly state = new KeyedStateStore();
  private readonly plans = new Map<string, ServicePlan | Failure>();
  private readonly ready = new Map<string, Ready>();
  /** Their plans are those of rules before. */
  private readonly stale = new Set<string>();
  /** Those that are called, compiled or not: the rules of those whose calls go elsewhere must come all the same. */
  private readonly wanted = new Set<string>();
  /** What the plans before hold is not yet taken over. */
  private readonly successions: Succession[] = [];
  private readonly used = new BehaviorSubject<ReadonlySet<string>>(new Set());
  private telling = false;

  constructor(private readonly context: ServicesContext) {}

  outbound(rule: ServiceRule): ServicePlan | Failure {
    if (this.stale.size > 0 && this.stale.has(rule.key)) this.swap(rule.key);
    const known = this.plans.get(rule.key);
    if (known !== undefined) return known;
    const { adoption } = this.context;
    const inForce = adoption.services.get(rule.key);
    if (inForce === undefined) return unusable(rule, adoption);
    const plan = this.compile(inForce);
    this.plans.set(rule.key, plan);
    this.want(rule.key);
    return plan;
  }

  /** A service is called, if not here. */
  want(key: string): void {
    if (this.wanted.has(key)) return;
    this.wanted.add(key);
    this.tellUse();
  }

  /** Keys of the services that were asked for and still exist: those now, then at each change. */
  get inUse(): Observable<ReadonlySet<string>> {
    return this.used.asObservable();
  }

  /** Builds the tables of services that are in use, and of large ones. */
  *stage({ services }: AdoptionChange): Work {
    for (const key of services) {
      const rule = this.context.adoption.services.coming(key);
      if (rule === undefined || (rule.routes.length <= LARGE && !this.plans.has(key))) continue;
      this.ready.set(key, { rule, table: yield* this.build(rule) });
      yield;
    }
  }

  /** @param outdated - services that use a cluster of another rule than before */
  commit({ services }: AdoptionChange, outdated: ReadonlySet<string>): void {
    for (const key of services) {
      if (this.plans.has(key)) this.stale.add(key);
      if (!this.context.adoption.services.has(key) && this.wanted.delete(key)) this.tellUse();
    }
    for (const key of outdated) if (this.plans.has(key)) this.stale.add(key);
  }

  *settle({ services }: AdoptionChange): Work {
    for (const key of services) {
      const ready = this.ready.get(key);
      if (ready !== undefined && ready.rule !== this.context.adoption.services.get(key)) this.ready.delete(key);
    }
    for (const key of this.stale) {
      this.swap(key);
      yield* this.hand();
      yield;
    }
    yield* this.hand();
  }

  close(): void {
    for (const { before } of this.successions.splice(0)) before.retire();
    for (const plan of this.plans.values()) if (plan instanceof ServicePlan) plan.retire();
    this.plans.clear();
    this.ready.clear();
    this.stale.clear();
    this.used.complete();
  }

  /** In a turn of its own, once for all of a turn: whoever listens may change rules, and this is the way of a call. */
  private tellUse(): void {
    if (this.telling) return;
    this.telling = true;
    setImmediate(() => {
      this.telling = false;
      this.used.next(new Set(this.wanted));
    });
  }

  /** Hands over what the plans before hold. */
  private *hand(): Work {
    for (let next = this.successions[0]; next !== undefined; next = this.successions[0]) {
      yield* next.after.takeOver(next.before);
      this.successions.shift();
      next.before.retire();
    }
  }

  private swap(key: string): void {
    this.stale.delete(key);
    const before = this.plans.get(key);
    const rule = this.context.adoption.services.get(key);
    if (rule === undefined) {
      this.plans.delete(key);
      if (before instanceof ServicePlan) before.retire();
      return;
    }
    const after = this.compile(rule, before);
    if (after instanceof Failure && before instanceof ServicePlan) {
      this.context.logger.warn(`${after.message}; the routes before stay in force`);
      return;
    }
    this.plans.set(key, after);
    if (before instanceof ServicePlan && after instanceof ServicePlan) this.successions.push({ before, after });
  }

  /** As it was built, or is in use already. */
  private tableOf(rule: ServiceRule, before: ServicePlan | Failure | undefined): RouteTable | Failure {
    if (before instanceof ServicePlan && before.rule === rule) return before.table;
    const ready = this.ready.get(rule.key);
    if (ready?.rule !== rule) return finish(this.build(rule));
    this.ready.delete(rule.key);
    return ready.table;
  }

  private *build(rule: ServiceRule): Work<RouteTable | Failure> {
    try {
      return yield* RouteTable.build(rule.routes, this.context.engines);
    } catch (thrown) {
      return Failure.from(thrown, rule.from.origin, 'NO_ROUTE');
    }
  }

  private compile(rule: ServiceRule, before?: ServicePlan | Failure): ServicePlan | Failure {
    const { context } = this;
    const protocol = rule.protocol === undefined ? undefined : context.protocols.get(rule.protocol);
    if (protocol === undefined) return noCodec(rule, context.protocols);
    const table = this.tableOf(rule, before);
    if (table instanceof Failure) return table;
    const held = new Map<string, HeldCluster>();
    const state = this.state.hold();
    const meters = new PlanMeters(context.telemetry, rule.key, 'outbound');
    const dispose = () => {
      state.release();
      meters.close();
      for (const it of held.values()) it.release();
      held.clear();
    };
    const compileContext: CompileContext = {
      direction: 'outbound',
      sharing: protocol.sharing,
      service: rule,
      runtime: context.runtime,
      engines: context.engines,
      share: context.share,
      policies: context.policies,
      state,
      meters,
      observe: context.observe,
      routed: context.routed,
      onBreaker: context.onBreaker,
      cluster: (name) => {
        const holding = held.get(name) ?? context.clusters.hold(name, protocol, rule.key);
        if (holding !== undefined) held.set(name, holding);
        return holding?.cluster;
      },
    };
    return new ServicePlan({
      rule,
      direction: 'outbound',
      protocol,
      runtime: context.runtime,
      table,
      meters,
      beforeRoute: context.beforeRoute,
      hash: context.engines.hash,
      active: context.active,
      compile: (route, at) => compilePlan(compileContext, route, route.rule.destinations[at]!.cluster),
      dispose,
    });
  }
}

/** Its first table was refused, so that there is none before it to stay in force. */
function unusable(rule: ServiceRule, { held }: Adoption): Failure {
  const problems = held.get(rule.key)?.problems ?? [];
  const reason = `the rules of ${rule.host}:${rule.port} cannot be used: ${problems.map((it) => it.message).join('; ')}`;
  return new Failure('NO_ROUTE', { role: 'resolve', reason });
}

function noCodec(rule: ServiceRule, protocols: ReadonlyMap<string, Protocol>): Failure {
  const known = [...protocols.keys()].join(', ') || 'none';
  return new Failure('NO_SERVICE', {
    role: 'resolve',
    reason: `${rule.host}:${rule.port} speaks '${rule.protocol ?? rule.portName}', which is no protocol of this mesh (there are: ${known})`,
  });
}
