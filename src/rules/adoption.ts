/**
 * Which of the store's rules are in force. The unit is a service's whole table, as a route that was dropped alone would
 * let its calls fall to the next one. The previous table stays in force
 *
 * - while the new one cannot be used: a pattern that is none, an engine that isn't there;
 * - while the new one names destinations that nobody describes yet. For each such cluster at most {@link PATIENCE_MS}
 *   (what Envoy waits for a resource that was asked for); then the table is adopted and its calls there fail. A cluster
 *   that already the table in force misses holds nothing up.
 *
 * A cluster that cannot be used, since its balancer needs an engine that isn't there, leaves the one before in force.
 *
 * A service without a previous table gets its first at once if it can be used at all: what it knows works. A cluster that
 * is removed lives on while a table in force names it. Endpoints are taken as they come.
 */
import { type Observable, Subject, type Subscription } from 'rxjs';
import type { Runtime, Timer } from '../runtime/index.js';
import { sameContent } from './content.js';
import type { ClusterRule, ServiceRule } from './model.js';
import { namedClusters, unknownClusters } from './named-clusters.js';
import type { RuleError } from './rule-error.js';
import type { ChangeSet, RuleStore } from './store.js';

/** Envoy's timer for resources that do not come. */
export const PATIENCE_MS = 15_000;

/** A table that is not in force yet, and why. */
export interface HeldService {
  readonly wanted: ServiceRule;
  /** Not empty: it cannot be used. */
  readonly problems: readonly RuleError[];
  /** Destinations that nobody describes: it waits for one of these at least, unless there are problems. */
  readonly unknown: readonly string[];
}

/** What changed of the rules in force, by key. */
export interface AdoptionChange {
  /** Of the store's rules. */
  readonly version: string;
  readonly services: ReadonlySet<string>;
  readonly clusters: ReadonlySet<string>;
  readonly endpoints: ReadonlySet<string>;
  /** Tables that came and are held: worth a line in the log each. */
  readonly held: readonly HeldService[];
  /** Clusters that came and cannot be used; what was said of them before stays in force. */
  readonly refused: readonly RefusedCluster[];
}

export interface RefusedCluster {
  readonly wanted: ClusterRule;
  /** Not empty. */
  readonly problems: readonly RuleError[];
}

export interface AdoptionOptions {
  readonly runtime: Runtime;
  readonly store: RuleStore;
  /** Why a table cannot be used; called once for each table that comes. @defaultValue all can */
  readonly check?: (service: ServiceRule) => readonly RuleError[];
  /** Why a cluster cannot be used; called once for each that comes. @defaultValue all can */
  readonly checkCluster?: (cluster: ClusterRule) => readonly RuleError[];
}

const NO_KEYS: ReadonlySet<string> = new Set();

export class Adoption {
  readonly #runtime: Runtime;
  readonly #store: RuleStore;
  readonly #check: (service: ServiceRule) => readonly RuleError[];
  readonly #checkCluster: (cluster: ClusterRule) => readonly RuleError[];
  readonly #services = new Map<string, ServiceRule>();
  readonly #clusters = new Map<string, ClusterRule>();
  readonly #held = new Map<string, HeldService>();
  /** How many tables in force name a cluster. */
  readonly #uses = new Map<string, number>();
  /** In force, though gone from the store. */
  readonly #orphans = new Set<string>();
  /** Since when, in `runtime.now()`, some held table has waited for the cluster. */
  readonly #unknownSince = new Map<string, number>();
  readonly #changes = new Subject<AdoptionChange>();
  readonly #subscription: Subscription;
  #timer: Timer | undefined;
  /** One reading of the clock for all of a change, so that nothing falls due in its midst. */
  #now = 0;

  /** Emits after {@link services} and {@link clusters} have changed, in the same turn as the store. */
  readonly changes: Observable<AdoptionChange> = this.#changes.asObservable();

  constructor({ runtime, store, check = () => [], checkCluster = () => [] }: AdoptionOptions) {
    this.#runtime = runtime;
    this.#store = store;
    this.#check = check;
    this.#checkCluster = checkCluster;
    this.#take({
      version: store.version,
      services: new Set(store.services.keys()),
      clusters: new Set(store.clusters.keys()),
      endpoints: NO_KEYS,
    });
    this.#subscription = store.changes.subscribe((changes) => this.#take(changes));
  }

  /** Tables in force, by key. Live. */
  get services(): ReadonlyMap<string, ServiceRule> {
    return this.#services;
  }

  /** The store's clusters, and those that a table in force still needs. Live. */
  get clusters(): ReadonlyMap<string, ClusterRule> {
    return this.#clusters;
  }

  /** Tables that wait or cannot be used, by key. Live. */
  get held(): ReadonlyMap<string, HeldService> {
    return this.#held;
  }

  close(): void {
    this.#subscription.unsubscribe();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#changes.complete();
  }

  /** A timer of this one's own has expired. */
  expired(): void {
    this.#timer = undefined;
    this.#take({ version: this.#store.version, services: NO_KEYS, clusters: NO_KEYS, endpoints: NO_KEYS });
  }

  #take(changes: ChangeSet): void {
    this.#now = this.#runtime.now();
    const services = new Set<string>();
    const clusters = new Set<string>();
    const held: HeldService[] = [];
    const refused: RefusedCluster[] = [];
    for (const name of changes.clusters) this.#takeCluster(name, clusters, refused);
    for (const key of changes.services) {
      const wanted = this.#store.services.get(key);
      this.#held.delete(key);
      if (wanted === undefined) this.#drop(key, services);
      else this.#consider({ wanted, problems: this.#check(wanted), unknown: [] }, services);
      const now = this.#held.get(key);
      if (now !== undefined) held.push(now);
    }
    // A cluster that is swept may be one that a held table thought was there.
    do {
      for (const waiting of this.#held.values()) {
        if (waiting.problems.length === 0) this.#consider(waiting, services);
      }
    } while (this.#sweep(clusters));
    this.#wait();
    const { version, endpoints } = changes;
    if (services.size + clusters.size + endpoints.size + held.length + refused.length > 0) {
      this.#changes.next({ version, services, clusters, endpoints, held, refused });
    }
  }

  #takeCluster(name: string, changed: Set<string>, refused: RefusedCluster[]): void {
    const rule = this.#store.clusters.get(name);
    if (rule === undefined) {
      this.#orphans.add(name);
      return;
    }
    this.#orphans.delete(name);
    const problems = this.#checkCluster(rule);
    if (problems.length > 0) {
      refused.push({ wanted: rule, problems });
      return;
    }
    this.#clusters.set(name, rule);
    changed.add(name);
  }

  /** Adopts the table or holds it. */
  #consider({ wanted, problems }: HeldService, changed: Set<string>): void {
    const { key } = wanted;
    const previous = this.#services.get(key);
    if (previous !== undefined && sameContent(previous, wanted)) {
      this.#held.delete(key);
      return;
    }
    const unknown = problems.length > 0 || previous === undefined ? [] : this.#missing(wanted, previous);
    if (problems.length > 0 || unknown.some((name) => this.#giveUpAt(name) > this.#now)) {
      this.#held.set(key, { wanted, problems, unknown });
      return;
    }
    this.#held.delete(key);
    this.#services.set(key, wanted);
    this.#count(namedClusters(wanted), 1);
    if (previous !== undefined) this.#count(namedClusters(previous), -1);
    changed.add(key);
  }

  /** Destinations that nobody describes, and that the table in force does not name as well. */
  #missing(wanted: ServiceRule, previous: ServiceRule): readonly string[] {
    const named = namedClusters(previous);
    return unknownClusters(wanted, this.#clusters).filter((name) => !named.has(name));
  }

  #giveUpAt(name: string): number {
    return (this.#unknownSince.get(name) ?? this.#now) + PATIENCE_MS;
  }

  #drop(key: string, changed: Set<string>): void {
    const previous = this.#services.get(key);
    if (previous === undefined) return;
    this.#services.delete(key);
    this.#count(namedClusters(previous), -1);
    changed.add(key);
  }

  #count(names: ReadonlySet<string>, by: 1 | -1): void {
    for (const name of names) {
      const uses = (this.#uses.get(name) ?? 0) + by;
      if (uses === 0) this.#uses.delete(name);
      else this.#uses.set(name, uses);
    }
  }

  /** Forgets clusters that are gone and named by no table in force. @returns whether there were any */
  #sweep(changed: Set<string>): boolean {
    let swept = false;
    for (const name of this.#orphans) {
      if (this.#uses.has(name)) continue;
      this.#orphans.delete(name);
      if (!this.#clusters.delete(name)) continue;
      changed.add(name);
      swept = true;
    }
    return swept;
  }

  /** Notes what held tables wait for, and wakes up when the next of it has been waited for long enough. */
  #wait(): void {
    const waited = new Set<string>();
    for (const { unknown } of this.#held.values()) for (const name of unknown) waited.add(name);
    for (const name of this.#unknownSince.keys()) if (!waited.has(name)) this.#unknownSince.delete(name);
    let next = Number.POSITIVE_INFINITY;
    for (const name of waited) {
      if (!this.#unknownSince.has(name)) this.#unknownSince.set(name, this.#now);
      const at = this.#giveUpAt(name);
      if (at > this.#now) next = Math.min(next, at);
    }
    this.#timer?.cancel();
    this.#timer = waited.size > 0 ? this.#runtime.timers.armAt(next, this) : undefined;
  }
}
