/**
 * All rules of all sources, and what of them is in force. Sources say things by key in batches; the store keeps, for each
 * key, what the source of highest precedence says, and tells what a batch really changed: equal content changes nothing,
 * whoever repeats it. Everything is kept by key, so a change costs what changed.
 *
 * Rules are taken as they are. Whether they can be compiled is `validateRules`' question, whether a service's table may
 * replace the one before it is {@link Adoption}'s.
 */
import { type Observable, Subject } from 'rxjs';
import { type Runtime, systemRuntime } from '../runtime/index.js';
import { sameContent } from './content.js';
import { DestinationIndex } from './destination-index.js';
import { diffEndpoints } from './diff.js';
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
import { type SourceChange, type SourceProblem, SourceRecord, type SourceStatus } from './source-status.js';
import { ContentVersion } from './version.js';

/** What one batch changed, by key. */
export interface ChangeSet {
  /** Of all rules after it; see {@link RuleStore.version}. */
  readonly version: string;
  readonly services: ReadonlySet<string>;
  readonly clusters: ReadonlySet<string>;
  readonly endpoints: ReadonlySet<string>;
}

/** All rules in force at one moment. Immutable. */
export interface Snapshot {
  readonly version: string;
  readonly services: ReadonlyMap<string, ServiceRule>;
  readonly clusters: ReadonlyMap<string, ClusterRule>;
  readonly endpoints: ReadonlyMap<string, EndpointsRule>;
}

const NO_ENDPOINTS: readonly EndpointRule[] = [];

export class RuleStore {
  readonly #layers = {
    service: new Layers<ServiceRule>(),
    routes: new Layers<RouteTableRule>(),
    cluster: new Layers<ClusterRule>(),
    endpoints: new Layers<EndpointsRule>(),
  };
  /** Joined with their tables. */
  readonly #services = new Map<string, ServiceRule>();
  readonly #sources = new Map<string, SourceRecord>();
  readonly #destinations = new DestinationIndex(this.#services);
  readonly #changes = new Subject<ChangeSet>();
  readonly #statuses = new Subject<SourceChange>();
  readonly #content = new ContentVersion();
  #version = this.#content.toString();
  #revision = 0;
  #snapshot: Snapshot | undefined;
  #registered = 0;

  /** Each batch that changed something, after it is in force. */
  readonly changes: Observable<ChangeSet> = this.#changes.asObservable();
  /** A source is in another state, came into sync or reported a problem. Comes after the changes of the same batch. */
  readonly statuses: Observable<SourceChange> = this.#statuses.asObservable();

  /** @param runtime - tells the time of the sources' changes. @defaultValue the system's */
  constructor(private readonly runtime: Pick<Runtime, 'wallNow'> = systemRuntime()) {}

  /** What is in force now, by key. Live: it changes with the next batch. */
  get services(): ReadonlyMap<string, ServiceRule> {
    return this.#services;
  }

  get clusters(): ReadonlyMap<string, ClusterRule> {
    return this.#layers.cluster.visible;
  }

  get endpoints(): ReadonlyMap<string, EndpointsRule> {
    return this.#layers.endpoints.visible;
  }

  /** 16 hexadecimal digits that only the rules' content decides, not who said it, when, or in which order. */
  get version(): string {
    return this.#version;
  }

  /** Counts the batches that changed something: who keeps what they looked up knows by it when to look again. */
  get revision(): number {
    return this.#revision;
  }

  /** Copies the maps, once a version: for tools and files, not for the call path. */
  snapshot(): Snapshot {
    this.#snapshot ??= {
      version: this.version,
      services: new Map(this.services),
      clusters: new Map(this.clusters),
      endpoints: new Map(this.endpoints),
    };
    return this.#snapshot;
  }

  /**
   * The services at an address, oldest first: by host, else by virtual address, else by an endpoint's address, else by
   * wildcard host. Hosts are compared byte for byte, as the control plane does. Empty: nobody describes it.
   */
  candidates(host: string, port: number): readonly ServiceRule[] {
    return this.#destinations.candidates(host, port);
  }

  get sources(): readonly SourceStatus[] {
    return [...this.#sources.values()];
  }

  /** Has every registered source said all it has? True if there are none. */
  get synced(): boolean {
    for (const source of this.#sources.values()) if (!source.synced) return false;
    return true;
  }

  /**
   * Announces a source before it has said anything. Of sources with equal precedence the first registered wins.
   * @throws Error - another source has that name with another precedence
   */
  register(source: { readonly name: string; readonly precedence: number }): void {
    this.#state(source);
  }

  /**
   * One batch of a source, applied at once; a source that is not registered yet is.
   * @returns what it changed; empty sets if nothing
   */
  apply(source: { readonly name: string; readonly precedence: number }, batch: readonly RuleChange[]): ChangeSet {
    const state = this.#state(source);
    const touched = new Touched();
    const problems: SourceProblem[] = [];
    const { synced, state: before } = state;
    const now = this.runtime.wallNow();
    let said = false;
    let error: string | undefined;
    for (const change of batch) {
      said ||= change.type !== 'state';
      switch (change.type) {
        case 'upsert':
          this.#put(change.kind, change.rule, state, touched);
          break;
        case 'remove':
          this.#remove(change.kind, change.key, state, touched);
          break;
        case 'complete':
          state.synced = true;
          state.become('live', now);
          break;
        case 'state':
          state.become(change.state, now);
          state.version = change.version ?? state.version;
          error = change.error ?? error;
          break;
        case 'problem': {
          const { severity = 'warning', message } = change;
          problems.push({ severity, message });
        }
      }
    }
    if (touched.any) {
      state.updates++;
      state.changedAt = now;
    }
    const news = said ? state.complains(problems) : [];
    if (error !== undefined) state.erred(error, now);
    const changes = this.#settle(touched);
    if (state.state !== before || error !== undefined || news.length > 0 || state.synced !== synced) {
      this.#statuses.next({ source: state, before, error, problems: news });
    }
    return changes;
  }

  /** The source will never go on; what it said stays in force. */
  fail(source: { readonly name: string; readonly precedence: number }, error: string): void {
    const state = this.#state(source);
    const now = this.runtime.wallNow();
    const before = state.state;
    state.become('failed', now);
    state.erred(error, now);
    this.#statuses.next({ source: state, before, error, problems: [] });
  }

  /** Takes away all that the source has said, and the source. Looks at all keys. */
  forget(name: string): ChangeSet {
    const state = this.#sources.get(name);
    const touched = new Touched();
    if (state !== undefined) {
      for (const kind of KINDS) {
        for (const key of [...this.#layersOf(kind).keysOf(state)]) this.#remove(kind, key, state, touched);
      }
      this.#sources.delete(name);
    }
    return this.#settle(touched);
  }

  #state({ name, precedence }: { readonly name: string; readonly precedence: number }): SourceRecord {
    let state = this.#sources.get(name);
    if (state === undefined) {
      state = new SourceRecord(name, precedence, this.#registered++, this.runtime.wallNow());
      this.#sources.set(name, state);
    } else if (state.precedence !== precedence) {
      throw new Error(`two rule sources are called '${name}'; give one of them another name`);
    }
    return state;
  }

  #put(kind: RuleKind, rule: Rule, source: SourceRecord, touched: Touched): void {
    const key = ruleKey(rule);
    const layers = this.#layersOf(kind);
    this.#touch(kind, key, touched);
    if (layers.put(key, rule, source)) source.rules[kind]++;
  }

  #remove(kind: RuleKind, key: string, source: SourceRecord, touched: Touched): void {
    const layers = this.#layersOf(kind);
    this.#touch(kind, key, touched);
    if (layers.remove(key, source)) source.rules[kind]--;
  }

  #touch(kind: RuleKind, key: string, touched: Touched): void {
    if (kind === 'service' || kind === 'routes') touched.keep('service', key, this.#services.get(key));
    else touched.keep(kind, key, this.#layers[kind].visible.get(key));
  }

  #layersOf(kind: RuleKind): Layers<Rule> {
    return this.#layers[kind] as Layers<Rule>;
  }

  /** Brings version and index up to date with what was touched, and tells what of it is really different. */
  #settle(touched: Touched): ChangeSet {
    const services = new Set<string>();
    for (const [key, before] of touched.service) {
      const after = this.#join(key);
      if (!this.#differ('service', before, after)) continue;
      services.add(key);
      if (before !== undefined) this.#destinations.removeService(before);
      if (after !== undefined) this.#destinations.addService(after);
    }
    const clusters = new Set<string>();
    for (const [key, before] of touched.cluster) {
      if (this.#differ('cluster', before, this.clusters.get(key))) clusters.add(key);
    }
    const endpoints = new Set<string>();
    for (const [key, before] of touched.endpoints) {
      if (this.#endpointsDiffer(key, before, this.endpoints.get(key))) endpoints.add(key);
    }
    if (touched.any) this.#snapshot = undefined;
    const changed = services.size + clusters.size + endpoints.size > 0;
    if (changed) {
      this.#version = this.#content.toString();
      this.#revision++;
    }
    const changes = { version: this.version, services, clusters, endpoints };
    if (changed) this.#changes.next(changes);
    return changes;
  }

  #join(key: string): ServiceRule | undefined {
    const service = this.#layers.service.top(key);
    if (service === undefined) {
      this.#services.delete(key);
      return undefined;
    }
    const joined = joinRoutes(service, this.#layers.routes.top(key));
    this.#services.set(key, joined);
    return joined;
  }

  #differ(kind: RuleKind, before: Rule | undefined, after: Rule | undefined): boolean {
    if (sameContent(before, after)) return false;
    if (before !== undefined) this.#content.count(-1, kind, before);
    if (after !== undefined) this.#content.count(1, kind, after);
    return true;
  }

  /** Endpoints are counted one by one, in no order: a list of 20,000 is not hashed for one that changed. */
  #endpointsDiffer(key: string, before: EndpointsRule | undefined, after: EndpointsRule | undefined): boolean {
    if (before === after) return false;
    const diff = diffEndpoints(before?.endpoints ?? NO_ENDPOINTS, after?.endpoints ?? NO_ENDPOINTS);
    const { added, removed, changedFrom, changedTo } = diff;
    this.#destinations.removeEndpoints(key, removed);
    this.#destinations.addEndpoints(key, added);
    this.#content.countAll(-1, key, removed);
    this.#content.countAll(-1, key, changedFrom);
    this.#content.countAll(1, key, added);
    this.#content.countAll(1, key, changedTo);
    if (before === undefined) this.#content.count(1, 'endpoints', key);
    if (after === undefined) this.#content.count(-1, 'endpoints', key);
    const came = before === undefined || after === undefined;
    return came || added.length + removed.length + changedTo.length > 0;
  }
}

const KINDS: readonly RuleKind[] = ['service', 'routes', 'cluster', 'endpoints'];

/** What was seen of each key before a batch touched it. */
class Touched {
  readonly service = new Map<string, ServiceRule | undefined>();
  readonly cluster = new Map<string, ClusterRule | undefined>();
  readonly endpoints = new Map<string, EndpointsRule | undefined>();

  keep(kind: 'service' | 'cluster' | 'endpoints', key: string, before: Rule | undefined): void {
    const seen = this[kind] as Map<string, Rule | undefined>;
    if (!seen.has(key)) seen.set(key, before);
  }

  get any(): boolean {
    return this.service.size + this.cluster.size + this.endpoints.size > 0;
  }
}

function ruleKey(rule: Rule): string {
  return 'name' in rule ? rule.name : rule.key;
}
