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
import { type BreakerState, type Engines, KeyedStateStore } from '../policy/index.js';
import { RouteTable } from '../routing/index.js';
import type { Adoption, AdoptionChange, PolicyOverride, ServiceRule } from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';
import type { Logger } from '../telemetry/index.js';
import type { Clusters, HeldCluster } from './clusters.js';
import { type MeshTelemetry, PlanMeters } from './telemetry.js';

export interface ServicesContext {
  readonly runtime: Runtime;
  readonly engines: Engines;
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
  /** What took several slices is done: calls obey all changes. */
  readonly onUpToDate: () => void;
}

/** How long changed services are compiled in one go before the event loop gets its turn. */
const SLICE_MS = 5;

/**
 * The services in use, compiled: when one is first asked for, and again, aside and in slices, when its rules change. A
 * compiled service is replaced by one assignment; calls in flight finish on the plan they started with.
 */
export class Services {
  /** Outlives plans, so that a change of rules never refills a bucket. */
  readonly state = new KeyedStateStore();
  private readonly plans = new Map<string, ServicePlan | Failure>();
  private readonly stale = new Set<string>();
  /** Those that are called, compiled or not: the rules of those whose calls go elsewhere must come all the same. */
  private readonly wanted = new Set<string>();
  private readonly used = new BehaviorSubject<ReadonlySet<string>>(new Set());
  private telling = false;
  private slicing = false;

  constructor(private readonly context: ServicesContext) {}

  outbound(rule: ServiceRule): ServicePlan | Failure {
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

  /** Services in use whose own rules, or whose clusters' policies, changed are compiled anew. */
  apply(change: AdoptionChange): void {
    for (const key of change.services) {
      if (this.plans.has(key)) this.stale.add(key);
      if (!this.context.adoption.services.has(key) && this.wanted.delete(key)) this.tellUse();
    }
    if (change.clusters.size > 0) {
      for (const [key, plan] of this.plans) {
        if (plan instanceof ServicePlan && plan.uses(change.clusters)) this.stale.add(key);
      }
    }
    if (!this.slicing && this.stale.size > 0) this.slice();
  }

  /** Do calls obey all changes that were applied? */
  get upToDate(): boolean {
    return this.stale.size === 0;
  }

  close(): void {
    for (const plan of this.plans.values()) if (plan instanceof ServicePlan) plan.retire();
    this.plans.clear();
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

  private slice(): void {
    const { runtime } = this.context;
    const until = runtime.now() + SLICE_MS;
    for (const key of this.stale) {
      this.stale.delete(key);
      this.swap(key);
      if (runtime.now() >= until) break;
    }
    const sliced = this.slicing;
    this.slicing = this.stale.size > 0;
    if (this.slicing) setImmediate(() => this.slice());
    else if (sliced) this.context.onUpToDate();
  }

  private swap(key: string): void {
    const before = this.plans.get(key);
    const rule = this.context.adoption.services.get(key);
    if (rule === undefined) {
      this.plans.delete(key);
    } else {
      const after = this.compile(rule);
      if (after instanceof Failure && before instanceof ServicePlan) {
        this.context.logger.warn(`${after.message}; the routes before stay in force`);
        return;
      }
      if (before instanceof ServicePlan && after instanceof ServicePlan) after.takeOver(before);
      this.plans.set(key, after);
    }
    if (before instanceof ServicePlan) before.retire();
  }

  private compile(rule: ServiceRule): ServicePlan | Failure {
    const { context } = this;
    const protocol = rule.protocol === undefined ? undefined : context.protocols.get(rule.protocol);
    if (protocol === undefined) return noCodec(rule, context.protocols);
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
      policies: context.policies,
      state,
      meters,
      observe: context.observe,
      routed: context.routed,
      onBreaker: context.onBreaker,
      cluster: (name) => {
        const holding = held.get(name) ?? context.clusters.hold(name, protocol);
        if (holding !== undefined) held.set(name, holding);
        return holding?.cluster;
      },
    };
    try {
      return new ServicePlan({
        rule,
        direction: 'outbound',
        protocol,
        runtime: context.runtime,
        table: new RouteTable(rule.routes, context.engines),
        meters,
        beforeRoute: context.beforeRoute,
        hash: context.engines.hash,
        active: context.active,
        clusters: held,
        compile: (route, at) => compilePlan(compileContext, route, route.rule.destinations[at]!.cluster),
        dispose,
      });
    } catch (thrown) {
      dispose();
      return Failure.from(thrown, rule.from.origin, 'NO_ROUTE');
    }
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
