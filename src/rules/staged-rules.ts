/**
 * The rules that are seen, and how a batch of a source becomes part of them: its rules are put into the layers of all
 * sources; what they change of what is seen is found, counted and indexed aside; `commit` shows all of it at once. Work for
 * each is in slices, a route or an endpoint at a time where there are many: see `runtime/work-queue.ts`.
 *
 * Between `commit` and the end of `settle` no other batch may be put in.
 */
import type { Work } from '../runtime/index.js';
import { sameContent } from './content.js';
import { DestinationIndex } from './destination-index.js';
import { diffEndpoints, diffServices, headOf } from './diff.js';
import { joinRoutes } from './join.js';
import { Layers } from './layers.js';
import type {
  ClusterRule,
  EndpointRule,
  EndpointsRule,
  RouteTableRule,
  Rule,
  RuleChange,
  RuleKind,
  ServiceRule,
} from './model.js';
import type { SourceRecord } from './source-status.js';
import { StagedMap } from './staged-map.js';
import { ContentVersion } from './version.js';

/** What one batch changed, by key. */
export interface ChangeSet {
  readonly services: ReadonlySet<string>;
  readonly clusters: ReadonlySet<string>;
  readonly endpoints: ReadonlySet<string>;
}

/** Keys that a batch says something of. */
export class Touched {
  readonly service = new Set<string>();
  readonly cluster = new Set<string>();
  readonly endpoints = new Set<string>();

  get any(): boolean {
    return this.service.size + this.cluster.size + this.endpoints.size > 0;
  }
}

/** Routes or endpoints between two yields: some tens of µs. */
const STEP = 32;
const NO_ENDPOINTS: readonly EndpointRule[] = [];

export class StagedRules {
  /** Joined with their tables. */
  readonly services = new StagedMap<ServiceRule>();
  readonly clusters = new StagedMap<ClusterRule>();
  readonly endpoints = new StagedMap<EndpointsRule>();
  readonly destinations = new DestinationIndex(this.services);
  readonly #content = new ContentVersion();
  readonly #parts = [this.services, this.clusters, this.endpoints, this.destinations];
  readonly #layers = {
    service: new Layers<ServiceRule>(),
    routes: new Layers<RouteTableRule>(),
    cluster: new Layers<ClusterRule>(),
    endpoints: new Layers<EndpointsRule>(),
  };

  get version(): string {
    return this.#content.text;
  }

  /** Makes the version of what is staged: else it is made after the commit. */
  name(): Work {
    return this.#content.ahead();
  }

  /** What the source says of rules. @returns the keys it says something of */
  *put(batch: Iterable<RuleChange>, source: SourceRecord): Work<Touched> {
    const touched = new Touched();
    let steps = 0;
    for (const change of batch) {
      if (change.type !== 'upsert' && change.type !== 'remove') continue;
      const { kind } = change;
      const key = change.type === 'remove' ? change.key : ruleKey(change.rule);
      const layers = this.#layers[kind] as Layers<Rule>;
      if (change.type === 'remove') source.rules[kind] -= Number(layers.remove(key, source));
      else source.rules[kind] += Number(layers.put(key, change.rule, source));
      touched[kind === 'routes' ? 'service' : kind].add(key);
      if (++steps % STEP === 0) yield;
    }
    return touched;
  }

  /** The removal of all that the source has said. Looks at all keys. */
  *removalsOf(source: SourceRecord): Iterable<RuleChange> {
    for (const kind of Object.keys(this.#layers) as RuleKind[]) {
      for (const key of [...this.#layers[kind].keysOf(source)]) yield { type: 'remove', kind, key };
    }
  }

  /** Finds what is different, aside. */
  *stage(touched: Touched): Work<ChangeSet> {
    const services = new Set<string>();
    for (const key of touched.service) {
      const before = this.services.get(key);
      const after = this.#joined(key);
      this.services.set(key, after);
      if (yield* this.#servicesDiffer(key, before, after)) {
        services.add(key);
        if (before !== undefined) this.destinations.removeService(before);
        if (after !== undefined) this.destinations.addService(after);
      }
      yield;
    }
    const clusters = new Set<string>();
    for (const key of touched.cluster) {
      const before = this.clusters.get(key);
      const after = this.#layers.cluster.top(key)?.rule;
      this.clusters.set(key, after);
      if (this.#differ('cluster', before, after)) clusters.add(key);
      yield;
    }
    const endpoints = new Set<string>();
    for (const key of touched.endpoints) {
      const before = this.endpoints.get(key);
      const after = this.#layers.endpoints.top(key)?.rule;
      this.endpoints.set(key, after);
      if (yield* this.#endpointsDiffer(key, before, after)) endpoints.add(key);
      yield;
    }
    return { services, clusters, endpoints };
  }

  commit(): void {
    for (const part of this.#parts) part.commit();
    this.#content.commit();
  }

  *settle(): Work {
    for (const part of this.#parts) yield* part.settle();
    yield* this.#content.settle();
  }

  /** What was staged since the last commit was not. What was put stays, and is found when its keys are touched again. */
  discard(): void {
    for (const part of this.#parts) part.discard();
    this.#content.discard();
  }

  #joined(key: string): ServiceRule | undefined {
    const service = this.#layers.service.top(key);
    return service === undefined ? undefined : joinRoutes(service, this.#layers.routes.top(key));
  }

  *#servicesDiffer(key: string, before: ServiceRule | undefined, after: ServiceRule | undefined): Work<boolean> {
    if (before === after) return false;
    if (before === undefined || after === undefined) {
      const sign = before === undefined ? 1 : -1;
      const service = (before ?? after)!;
      this.#content.count(sign, 'service', headOf(service));
      this.#content.countEach(sign, key, service.routes, true);
      return true;
    }
    const { head, routes } = yield* diffServices(before, after);
    if (head) {
      this.#content.count(-1, 'service', headOf(before));
      this.#content.count(1, 'service', headOf(after));
    }
    for (let i = 0; i < routes.length; i++) {
      const at = routes[i]!;
      if (at < before.routes.length) this.#content.count(-1, key, [at, before.routes[at]]);
      if (at < after.routes.length) this.#content.count(1, key, [at, after.routes[at]]);
      if (i % STEP === STEP - 1) yield;
    }
    return head || routes.length > 0;
  }

  #differ(kind: RuleKind, before: Rule | undefined, after: Rule | undefined): boolean {
    if (sameContent(before, after)) return false;
    if (before !== undefined) this.#content.count(-1, kind, before);
    if (after !== undefined) this.#content.count(1, kind, after);
    return true;
  }

  /** Endpoints are counted one by one, in no order: a list of 20,000 is not hashed for one that changed. */
  *#endpointsDiffer(key: string, before: EndpointsRule | undefined, after: EndpointsRule | undefined): Work<boolean> {
    if (before === after) return false;
    const diff = yield* diffEndpoints(before?.endpoints ?? NO_ENDPOINTS, after?.endpoints ?? NO_ENDPOINTS);
    const { added, removed, changedFrom, changedTo } = diff;
    for (let i = 0; i < removed.length; i++) {
      this.destinations.removeEndpoint(key, removed[i]!);
      if (i % STEP === STEP - 1) yield;
    }
    for (let i = 0; i < added.length; i++) {
      this.destinations.addEndpoint(key, added[i]!);
      if (i % STEP === STEP - 1) yield;
    }
    this.#content.countEach(-1, key, removed);
    this.#content.countEach(-1, key, changedFrom);
    this.#content.countEach(1, key, added);
    this.#content.countEach(1, key, changedTo);
    if (before === undefined) this.#content.count(1, 'endpoints', key);
    if (after === undefined) this.#content.count(-1, 'endpoints', key);
    const came = before === undefined || after === undefined;
    return came || added.length + removed.length + changedTo.length > 0;
  }
}

function ruleKey(rule: Rule): string {
  return 'name' in rule ? rule.name : rule.key;
}
