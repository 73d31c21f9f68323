import { type Destination, Failure } from '../call/index.js';
import type { Peers } from '../connection/index.js';
import type { Protocol } from '../message/index.js';
import type { ServicePlan } from '../pipeline/index.js';
import type { KeyedStateStore } from '../policy/index.js';
import { type SinglePlanParts, singlePlan, undescribedService } from './single-plan.js';
import type { Target } from './target.js';

export interface SinglesParts extends SinglePlanParts {
  readonly peers: Peers;
  readonly state: KeyedStateStore;
  readonly protocols: ReadonlyMap<string, Protocol>;
}

/** Plans of destinations whose calls go to one address, without rules of ours: the sidecar's, or the one that was named. */
export class Singles {
  private readonly plans = new Map<Target, ServicePlan>();

  constructor(private readonly parts: SinglesParts) {}

  /** What is spoken at a destination: as rules say, else the mesh's only protocol. */
  protocol(target: Target): Protocol | undefined {
    if (target.described.length > 0) return target.protocol;
    const [only, another] = this.parts.protocols.values();
    return another === undefined ? only : undefined;
  }

  /** @returns a Failure if what is spoken there cannot be told */
  plan(target: Target, address: Destination): ServicePlan | Failure {
    let plan = this.plans.get(target);
    if (plan !== undefined) return plan;
    const { peers, state, protocols } = this.parts;
    const { host, port } = target.destination;
    const protocol = this.protocol(target);
    if (protocol === undefined) {
      const reason = `no rules, and which protocol ${host}:${port} speaks cannot be told: the mesh has ${protocols.size}`;
      return new Failure('NO_RULES', { role: 'resolve', reason });
    }
    const unreported = target.placed.placement === 'sidecar';
    const cluster = `${unreported ? 'sidecar' : 'outbound'}|${port}||${host}`;
    const peer = () => peers.acquire({ address, protocol });
    const single = { direction: 'outbound', cluster, address, peer, unreported } as const;
    plan = singlePlan(undescribedService(host, port, protocol), protocol, single, state.hold(), this.parts);
    this.plans.set(target, plan);
    return plan;
  }

  /** Calls under way end where they are. */
  drop(target: Target): void {
    this.plans.get(target)?.retire();
    this.plans.delete(target);
  }

  clear(): void {
    for (const plan of this.plans.values()) plan.retire();
    this.plans.clear();
  }
}
