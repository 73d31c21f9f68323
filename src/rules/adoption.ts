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
 *
 * Decided aside, table by table, before anything of a change is in force: see {@link Follower}.
 */
import { type Observable, Subject } from 'rxjs';
import { finish, type Runtime, type Timer, type Work, WorkQueue } from '../runtime/index.js';
import { diffServices } from './diff.js';
import type { Follower } from './follower.js';
import type { ClusterRule, ServiceRule } from './model.js';
import { namedClusters, unknownClusters } from './named-clusters.js';
import { RuleError } from './rule-error.js';
import { type LiveMap, StagedMap } from './staged-map.js';
import type { ChangeSet } from './staged-rules.js';
import type { RuleStore } from './store.js';

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
  /** Does what waiting tables cost when they are adopted. The store's. @defaultValue all in one go */
  readonly work?: WorkQueue;
  /** Why a table cannot be used; called once for each table that comes. @defaultValue all can */
  readonly check?: (service: ServiceRule) => Work<readonly RuleError[]>;
  /** Why a cluster cannot be used; called once for each that comes. @defaultValue all can */
  readonly checkCluster?: (cluster: ClusterRule) => Work<readonly RuleError[]>;
}

const NO_KEYS: ReadonlySet<string> = new Set();
const NO_PROBLEMS: readonly RuleError[] = [];

export class Adoption implements Follower<ChangeSet> {
  readonly #runtime: Runtime;
  readonly #store: RuleStore;
  readonly #work: WorkQueue;
  readonly #check: (service: ServiceRule) => Work<readonly RuleError[]>;
  readonly #checkCluster: (cluster: ClusterRule) => Work<readonly RuleError[]>;
  readonly #services = new StagedMap<ServiceRule>();
  readonly #clusters = new StagedMap<ClusterRule>();
  /** As of the change under way. */
  readonly #waiting = new Map<string, HeldService>();
  #held: ReadonlyMap<string, HeldService> = new Map();
  /** How many tables in force name a cluster. */
  readonly #uses = new Map<string, number>();
  /** In force, though gone from the store. */
  readonly #orphans = new Set<string>();
  /** Since when, in `runtime.now()`, some held table has waited for the cluster. */
  readonly #unknownSince = new Map<string, number>();
  readonly #followers = new Set<Follower<AdoptionChange>>();
  readonly #changes = new Subject<AdoptionChange>();
  readonly #leave: () => void;
  #timer: Timer | undefined;
  /** One reading of the clock for all of a change, so that nothing falls due in its midst. */
  #now = 0;
  /** The one under way; undefined: there is none, or it changes nothing that is in force. */
  #change: AdoptionChange | undefined;

  /** Emits after {@link services} and {@link clusters} have changed, in the same turn as the store. */
  readonly changes: Observable<AdoptionChange> = this.#changes.asObservable();

  constructor({ runtime, store, work, check = usable, checkCluster = usable }: AdoptionOptions) {
    this.#runtime = runtime;
    this.#store = store;
    this.#work = work ?? new WorkQueue({ now: () => 0 });
    this.#check = check;
    this.#checkCluster = checkCluster;
    const services = new Set(store.services.keys());
    const clusters = new Set(store.clusters.keys());
    finish(this.#take({ services, clusters, endpoints: NO_KEYS }));
    this.#leave = store.follow(this);
  }

  /** Tables in force, by key. */
  get services(): LiveMap<ServiceRule> {
    return this.#services;
  }

  /** The store's clusters, and those that a table in force still needs. */
  get clusters(): LiveMap<ClusterRule> {
    return this.#clusters;
  }

  /** Tables that wait or cannot be used, by key, as of now. */
  get held(): ReadonlyMap<string, HeldService> {
    return this.#held;
  }

  /** Has the follower take part in all changes from here on. */
  follow(follower: Follower<AdoptionChange>): void {
    this.#followers.add(follower);
  }

  close(): void {
    this.#leave();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#changes.complete();
  }

  /** A timer of this one's own has expired. */
  expired(): void {
    this.#timer = undefined;
    this.#work.add(this.#take({ services: NO_KEYS, clusters: NO_KEYS, endpoints: NO_KEYS }));
  }

  *#take(changes: ChangeSet): Work {
    yield* this.stage(changes);
    this.commit();
    yield* this.settle();
  }

  *stage(changes: ChangeSet): Work {
    this.#now = this.#runtime.now();
    const services = new Set<string>();
    const clusters = new Set<string>();
    const held: HeldService[] = [];
    const refused: RefusedCluster[] = [];
    for (const name of changes.clusters) {
      yield* this.#takeCluster(name, clusters, refused);
      yield;
    }
    for (const key of changes.services) {
      yield* this.#takeService(key, services);
      const now = this.#waiting.get(key);
      if (now !== undefined) held.push(now);
      yield;
    }
    const { endpoints } = changes;
    // Endpoints alone make nobody wait, or wait no longer.
    if (changes.services.size + changes.clusters.size > 0 || endpoints.size === 0) {
      yield* this.#considerAll(services, clusters);
      yield* this.#wait();
    }
    if (services.size + clusters.size + endpoints.size + held.length + refused.length > 0) {
      this.#change = { services, clusters, endpoints, held, refused };
      for (const follower of this.#followers) yield* follower.stage?.(this.#change) ?? [];
    }
  }

  commit(): void {
    this.#services.commit();
    this.#clusters.commit();
    if (this.#waiting.size + this.#held.size > 0) this.#held = new Map(this.#waiting);
    if (this.#change === undefined) return;
    for (const follower of this.#followers) follower.commit(this.#change);
    this.#changes.next(this.#change);
  }

  *settle(): Work {
    const change = this.#change;
    this.#change = undefined;
    yield* this.#services.settle();
    yield* this.#clusters.settle();
    if (change !== undefined) for (const follower of this.#followers) yield* follower.settle?.(change) ?? [];
  }

  *#takeCluster(name: string, changed: Set<string>, refused: RefusedCluster[]): Work {
    const rule = this.#store.clusters.coming(name);
    if (rule === undefined) {
      this.#orphans.add(name);
      return;
    }
    this.#orphans.delete(name);
    const problems = yield* checked(this.#checkCluster, rule);
    if (problems.length > 0) {
      refused.push({ wanted: rule, problems });
      return;
    }
    this.#clusters.set(name, rule);
    changed.add(name);
  }

  *#takeService(key: string, changed: Set<string>): Work {
    const wanted = this.#store.services.coming(key);
    this.#waiting.delete(key);
    if (wanted === undefined) {
      this.#drop(key, changed);
      return;
    }
    const problems = yield* checked(this.#check, wanted);
    const previous = this.#services.get(key);
    // Back to what is in force, from what was held. What came to the store over the table in force is known to differ.
    if (previous !== undefined && previous !== this.#store.services.get(key)) {
      const { head, routes } = yield* diffServices(previous, wanted);
      if (!head && routes.length === 0) return;
    }
    yield* this.#consider({ wanted, problems, unknown: [] }, changed);
  }

  /** A cluster that is swept may be one that a waiting table thought was there. */
  *#considerAll(services: Set<string>, clusters: Set<string>): Work {
    do {
      for (const waiting of this.#waiting.values()) {
        if (waiting.problems.length === 0) yield* this.#consider(waiting, services);
        yield;
      }
    } while (this.#sweep(clusters));
  }

  /** Adopts the table or holds it. */
  *#consider({ wanted, problems }: HeldService, changed: Set<string>): Work {
    const { key } = wanted;
    const previous = this.#services.coming(key);
    const unknown = problems.length > 0 || previous === undefined ? [] : this.#missing(wanted, previous);
    if (problems.length > 0 || unknown.some((name) => this.#giveUpAt(name) > this.#now)) {
      this.#waiting.set(key, { wanted, problems, unknown });
      return;
    }
    this.#waiting.delete(key);
    this.#services.set(key, wanted);
    changed.add(key);
    // Each look at all routes takes a large table half a millisecond.
    yield;
    this.#count(namedClusters(wanted), 1);
    yield;
    if (previous !== undefined) this.#count(namedClusters(previous), -1);
  }

  /** Destinations that nobody describes, and that the table in force does not name as well. */
  #missing(wanted: ServiceRule, previous: ServiceRule): readonly string[] {
    const unknown = unknownClusters(wanted, { has: (name) => this.#clusters.coming(name) !== undefined });
    if (unknown.length === 0) return unknown;
    const named = namedClusters(previous);
    return unknown.filter((name) => !named.has(name));
  }

  #giveUpAt(name: string): number {
    return (this.#unknownSince.get(name) ?? this.#now) + PATIENCE_MS;
  }

  #drop(key: string, changed: Set<string>): void {
    const previous = this.#services.coming(key);
    if (previous === undefined) return;
    this.#services.set(key, undefined);
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
      if (this.#clusters.coming(name) === undefined) continue;
      this.#clusters.set(name, undefined);
      changed.add(name);
      swept = true;
    }
    return swept;
  }

  /** Notes what held tables wait for, and wakes up when the next of it has been waited for long enough. */
  *#wait(): Work {
    const waited = new Set<string>();
    for (const { unknown } of this.#waiting.values()) {
      for (const name of unknown) waited.add(name);
      yield;
    }
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

/** What is no rule, from a source of somebody's own, stops nothing but itself. */
function* checked<R extends ServiceRule | ClusterRule>(
  check: (rule: R) => Work<readonly RuleError[]>,
  rule: R,
): Work<readonly RuleError[]> {
  try {
    return yield* check(rule);
  } catch (thrown) {
    return [new RuleError(`it cannot be checked: ${String(thrown)}`, rule.from)];
  }
}

// biome-ignore lint/correctness/useYield: checks nothing
function* usable(): Work<readonly RuleError[]> {
  return NO_PROBLEMS;
}
