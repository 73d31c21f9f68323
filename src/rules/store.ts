/**
 * All rules of all sources, and what of them is in force. Sources say things by key in batches; the store keeps, for each
 * key, what the source of highest precedence says, and tells what a batch really changed: equal content changes nothing,
 * whoever repeats it. Everything is kept by key, so a change costs what changed.
 *
 * A batch is made ready aside, and comes into force as a whole, in one turn of the event loop; large ones take several
 * slices before and after that. Batches are taken in the order they came. See {@link Follower} for who takes part.
 *
 * Rules are taken as they are. Whether they can be compiled is `validateRules`' question, whether a service's table may
 * replace the one before it is {@link Adoption}'s.
 */
import { type Observable, Subject } from 'rxjs';
import { type Runtime, systemRuntime, type Work, WorkQueue } from '../runtime/index.js';
import type { KnownRules } from './bridging.js';
import type { Follower } from './follower.js';
import type { ClusterRule, EndpointsRule, RuleChange, ServiceRule } from './model.js';
import { type SourceChange, SourceRecord, type SourceStatus } from './source-status.js';
import type { LiveMap } from './staged-map.js';
import { type ChangeSet, StagedRules, type Touched } from './staged-rules.js';

/** All rules in force at one moment. Immutable. */
export interface Snapshot {
  readonly version: string;
  readonly services: ReadonlyMap<string, ServiceRule>;
  readonly clusters: ReadonlyMap<string, ClusterRule>;
  readonly endpoints: ReadonlyMap<string, EndpointsRule>;
}

/** What there is to know of a source, to take its rules. */
interface Source {
  readonly name: string;
  readonly precedence: number;
}

/** All in one go: for who makes a store without a mesh. */
const UNSLICED = { now: () => 0 };

export class RuleStore {
  readonly #rules = new StagedRules();
  readonly #sources = new Map<string, SourceRecord>();
  readonly #followers = new Set<Follower<ChangeSet>>();
  readonly #changes = new Subject<ChangeSet>();
  readonly #statuses = new Subject<SourceChange>();
  #revision = 0;
  #snapshot: Snapshot | undefined;
  #registered = 0;

  /** Each batch that changed something, after it is in force. */
  readonly changes: Observable<ChangeSet> = this.#changes.asObservable();
  /** A source is in another state, came into sync or reported a problem. Comes after the changes of the same batch. */
  readonly statuses: Observable<SourceChange> = this.#statuses.asObservable();

  /**
   * @param runtime - tells the time of the sources' changes. @defaultValue the system's
   * @param work - does what batches cost, in slices. @defaultValue each batch in one go
   */
  constructor(
    private readonly runtime: Pick<Runtime, 'wallNow'> = systemRuntime(),
    private readonly work = new WorkQueue(UNSLICED),
  ) {}

  /** What is in force now, by key. Live: it changes with the next batch. */
  get services(): LiveMap<ServiceRule> {
    return this.#rules.services;
  }

  get clusters(): LiveMap<ClusterRule> {
    return this.#rules.clusters;
  }

  get endpoints(): LiveMap<EndpointsRule> {
    return this.#rules.endpoints;
  }

  /** The same after the change under way; as it is now if there is none. */
  readonly coming: KnownRules = {
    services: { get: (key) => this.services.coming(key) },
    clusters: { get: (name) => this.clusters.coming(name) },
  };

  /**
   * 16 hexadecimal digits that only the rules' content decides, not who said it, when, or in which order. A large change is
   * named in slices after it came into force; who asks before, without {@link name}, has it named at once.
   */
  get version(): string {
    return this.#rules.version;
  }

  /** Part of a follower's `stage`: it is going to tell {@link version} at the commit. */
  name(): Work {
    return this.#rules.name();
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
    return this.#rules.destinations.candidates(host, port);
  }

  /** The services of a host, one a port, oldest first. What a wildcard host covers is not among them: it has no end. */
  servicesOf(host: string): readonly ServiceRule[] {
    return this.#rules.destinations.ofHost(host);
  }

  get sources(): readonly SourceStatus[] {
    return [...this.#sources.values()];
  }

  /** Has every registered source said all it has? True if there are none. */
  get synced(): boolean {
    for (const source of this.#sources.values()) if (!source.synced) return false;
    return true;
  }

  /** A source that is asked by name, and has not said yet what it has of that service. */
  owing(key: string): string | undefined {
    for (const source of this.#sources.values()) if (source.owes(key)) return source.name;
    return undefined;
  }

  /**
   * Announces a source before it has said anything. Of sources with equal precedence the first registered wins.
   * @throws Error - another source has that name with another precedence
   */
  register(source: Source): void {
    this.#record(source);
  }

  /** Has the follower take part in all changes from here on. @returns ends that */
  follow(follower: Follower<ChangeSet>): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /**
   * One batch of a source, in force as a whole: when this returns, if it is a small one and nothing else is under way.
   * A source that is not registered yet is.
   */
  apply(source: Source, batch: readonly RuleChange[]): void {
    this.work.add(this.#take(this.#record(source), batch));
  }

  /** The source will never go on; what it said stays in force. */
  fail(source: Source, error: string): void {
    this.work.add(this.#failed(this.#record(source), error));
  }

  /** Takes away all that the source has said, and the source. Looks at all keys. */
  forget(name: string): void {
    const record = this.#sources.get(name);
    if (record === undefined) return;
    this.work.add(this.#take(record, this.#rules.removalsOf(record)));
    this.#sources.delete(name);
  }

  #record({ name, precedence }: Source): SourceRecord {
    let record = this.#sources.get(name);
    if (record === undefined) {
      record = new SourceRecord(name, precedence, this.#registered++, this.runtime.wallNow());
      this.#sources.set(name, record);
    } else if (record.precedence !== precedence) {
      throw new Error(`two rule sources are called '${name}'; give one of them another name`);
    }
    return record;
  }

  *#take(source: SourceRecord, batch: Iterable<RuleChange>): Work {
    const { touched, changes } = yield* this.#stage(source, batch);
    const changed = changes.services.size + changes.clusters.size + changes.endpoints.size > 0;
    if (changed) for (const follower of this.#followers) yield* follower.stage?.(changes) ?? [];
    this.#rules.commit();
    if (touched.any) this.#snapshot = undefined;
    if (changed) {
      this.#revision++;
      for (const follower of this.#followers) follower.commit(changes);
      this.#changes.next(changes);
    }
    const news = source.hear(batch, touched.any, this.runtime.wallNow());
    if (news !== undefined) this.#statuses.next(news);
    yield* this.#rules.settle();
    if (changed) for (const follower of this.#followers) yield* follower.settle?.(changes) ?? [];
  }

  *#stage(source: SourceRecord, batch: Iterable<RuleChange>): Work<{ touched: Touched; changes: ChangeSet }> {
    try {
      const touched = yield* this.#rules.put(batch, source);
      return { touched, changes: yield* this.#rules.stage(touched) };
    } catch (thrown) {
      // What is no rule, from a source of somebody's own: nothing of the batch comes into force.
      this.#rules.discard();
      throw thrown;
    }
  }

  // biome-ignore lint/correctness/useYield: short, and in its turn among the batches
  *#failed(source: SourceRecord, error: string): Work {
    this.#statuses.next(source.failed(error, this.runtime.wallNow()));
  }
}
