import { type Destination, Failure } from '../call/index.js';
import type { Message, Protocol } from '../message/index.js';
import type { ServicePlan } from '../pipeline/index.js';
import { Chooser, type RuleStore, type ServiceRule } from '../rules/index.js';
import { Placed } from './placement/index.js';
import type { Services } from './services.js';

/**
 * A destination and the services that may be meant by it. Where several share it, as all interfaces of a provider
 * may, the message's service keys choose. Looked up once, and again after rules have changed.
 */
export class Target {
  readonly placed = new Placed();
  private candidates: readonly ServiceRule[] = [];
  private chooser = new Chooser([]);
  private revision = -1;
  private spoken: Protocol | undefined;
  private warned = false;

  constructor(
    readonly destination: Destination,
    private readonly store: RuleStore,
    private readonly services: Services,
    private readonly protocols: ReadonlyMap<string, Protocol>,
    private readonly warn: (message: string) => void,
  ) {}

  /** Of the oldest service here that speaks one of the mesh's; undefined: none does. Services of another are left out. */
  get protocol(): Protocol | undefined {
    this.refresh();
    return this.spoken;
  }

  /** Oldest first; empty: nobody describes it. */
  get described(): readonly ServiceRule[] {
    this.refresh();
    return this.candidates;
  }

  /** The service that the message is for, compiled. */
  plan(request: Message): ServicePlan | Failure {
    const { described } = this;
    if (described.length === 1) return this.services.outbound(described[0]!);
    try {
      return this.planFor(this.spoken?.serviceKeys?.(request));
    } catch (thrown) {
      return Failure.from(thrown, 'service keys');
    }
  }

  planOf(rule: ServiceRule): ServicePlan | Failure {
    return this.services.outbound(rule);
  }

  /** @param serviceKeys - what the message says of whose it is */
  planFor(serviceKeys: readonly string[] | undefined): ServicePlan | Failure {
    this.refresh();
    const choice = this.chooser.choose(serviceKeys);
    if (choice === undefined) return this.candidates.length === 0 ? this.unknown() : this.nobodys(serviceKeys);
    if (choice.tied.length > 0) this.tied(choice.service, choice.tied);
    return this.services.outbound(choice.service);
  }

  private unknown(): Failure {
    const { host, port } = this.destination;
    return new Failure('NO_SERVICE', {
      role: 'resolve',
      reason: `no rule describes ${host}:${port}: a ServiceEntry or Service must have that host, or address, and a port ${port} named tcp-metaprotocol-<protocol>`,
    });
  }

  private nobodys(serviceKeys: readonly string[] | undefined): Failure {
    const { host, port } = this.destination;
    const there = this.candidates.map((it) => it.serviceKey).join(', ');
    return new Failure('NO_SERVICE', {
      role: 'resolve',
      reason: `at ${host}:${port} there are services for ${there}, and none for ${serviceKeys?.join(' or ')}`,
    });
  }

  private refresh(): void {
    if (this.revision !== this.store.revision) this.lookUp();
  }

  /** On its own: a method with closures allocates their context, also when it returns at once. */
  private lookUp(): void {
    const { revision } = this.store;
    const { host, port } = this.destination;
    const found = this.store.candidates(host, port);
    this.spoken = this.protocols.get(found.find((it) => this.protocols.has(it.protocol ?? ''))?.protocol ?? '');
    this.candidates = this.spoken === undefined ? found : found.filter((it) => it.protocol === this.spoken!.name);
    this.chooser = new Chooser(this.candidates);
    this.revision = revision;
  }

  private tied(chosen: ServiceRule, others: readonly ServiceRule[]): void {
    if (this.warned) return;
    this.warned = true;
    const { host, port } = this.destination;
    this.warn(
      `${host}:${port} may be any of ${[chosen, ...others].map((it) => it.from.origin).join(', ')}; the oldest, ${chosen.host}, is taken`,
    );
  }
}
