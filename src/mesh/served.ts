import type { Observable } from 'rxjs';
import type { CallHandle, CallSink, Destination, Dispatcher, DownstreamPeer } from '../call/index.js';
import type { Message, Protocol } from '../message/index.js';
import { RoutedCall, type ServicePlan } from '../pipeline/index.js';
import type { KeyedStateStore } from '../policy/index.js';
import type { Adoption, AdoptionChange, RuleStore, ServiceRule } from '../rules/index.js';
import { finish } from '../runtime/index.js';
import type { MeshNode } from './options.js';
import { ownService } from './own-service.js';
import { type Single, type SinglePlanParts, singlePlan, undescribedService } from './single-plan.js';

export interface ServedParts extends SinglePlanParts {
  readonly store: RuleStore;
  readonly adoption: Adoption;
  /** Who this process is. */
  readonly node: MeshNode;
  readonly state: KeyedStateStore;
  readonly changes: Observable<AdoptionChange>;
}

/** Whose rules are wanted where something is served. */
export interface ServedWish {
  /** `<host>:<port>`. @defaultValue what {@link ownService} finds for the app's port */
  readonly service?: string | undefined;
  /** The app's. */
  readonly port: number;
  /** What calls are addressed to as long as no service is named. */
  readonly destination: Destination;
}

/** Which service's rules hold where something is served, through all changes. */
export class ServedService {
  readonly destination: Destination;
  /** Undefined: nobody describes it. */
  rule: ServiceRule | undefined;
  private readonly subscription: { unsubscribe(): void };

  /**
   * @param changed - told of another rule
   * @param over - the mesh was closed
   */
  constructor(
    private readonly wish: ServedWish,
    private readonly parts: ServedParts,
    changed: () => void,
    over?: () => void,
  ) {
    this.destination = wish.service === undefined ? wish.destination : parseService(wish.service);
    this.rule = this.described();
    const next = ({ services, endpoints }: AdoptionChange) => {
      if (services.size + endpoints.size === 0) return;
      const rule = this.described();
      if (rule === this.rule) return;
      this.rule = rule;
      changed();
    };
    this.subscription = parts.changes.subscribe({ next, complete: () => over?.() });
  }

  /** `<host>:<port>` of the one; undefined: nobody describes it. */
  get name(): string | undefined {
    return this.rule && `${this.rule.host}:${this.rule.port}`;
  }

  close(): void {
    this.subscription.unsubscribe();
  }

  private described(): ServiceRule | undefined {
    const { adoption, store, node } = this.parts;
    if (this.wish.service === undefined) return ownService(adoption.services, store, node, this.wish.port);
    const { host, port } = this.destination;
    return adoption.services.get(`${host}_${port}`);
  }
}

/** Dispatches calls of one protocol to the plan of the moment, which is compiled anew when the service's rules change. */
export class Served implements Dispatcher {
  private plan: ServicePlan;
  private rule: ServiceRule | undefined;

  constructor(
    readonly protocol: Protocol,
    private readonly service: ServedService,
    private readonly single: Single,
    private readonly parts: ServedParts,
  ) {
    this.rule = service.rule;
    this.plan = this.compile();
  }

  dispatch(request: Message, sink: CallSink, peer?: DownstreamPeer): CallHandle {
    const call = new RoutedCall(request, this.protocol, this.service.destination, sink, peer, this.plan);
    call.start();
    return call;
  }

  /** The service has another rule. */
  changed(): void {
    if (this.service.rule === this.rule) return;
    const before = this.plan;
    this.rule = this.service.rule;
    this.plan = this.compile();
    finish(this.plan.takeOver(before));
    before.retire();
  }

  close(): void {
    this.plan.retire();
  }

  private compile(): ServicePlan {
    const { host, port } = this.service.destination;
    const rule = this.rule ?? undescribedService(host, port, this.protocol);
    return singlePlan(rule, this.protocol, this.single, this.parts.state.hold(), this.parts);
  }
}

/** How the serving side's cluster of a service's port is called; upstream leaves the host out. */
export function inboundCluster(port: number): string {
  return `inbound|${port}||`;
}

/** @throws TypeError - it is not `<host>:<port>` */
export function parseService(service: string): Destination {
  if (typeof service !== 'string') throw new TypeError(`service is ${service}; it must be text: <host>:<port>`);
  const colon = service.lastIndexOf(':');
  const port = Number(service.slice(colon + 1));
  if (colon <= 0 || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new TypeError(`service '${service}' is not <host>:<port>`);
  }
  return { host: service.slice(0, colon), port };
}
