/**
 * A source of rules that several meshes follow, here or in workers, while it is followed once: one stream of a control plane,
 * one reading of the files. It keeps what was said, so that a mesh which comes later is told all there is, as one batch.
 *
 * It can be read again, or changed for another source of its name: what that says until it has said all is compared with
 * what is known, and only the difference is passed on. If it fails, everything stays as it was.
 */
import { BehaviorSubject, Observable, Subscription } from 'rxjs';
import {
  type RuleChange,
  type RuleKind,
  type RuleSource,
  type SourceContext,
  sameContent,
} from '../../../src/rules/index.js';
import { type Runtime, systemRuntime } from '../../../src/spi.js';

type Upsert = Extract<RuleChange, { readonly type: 'upsert' }>;
type State = Extract<RuleChange, { readonly type: 'state' }>;
type Complete = Extract<RuleChange, { readonly type: 'complete' }>;

/** Who follows a feed. */
interface Follower {
  next(batch: readonly RuleChange[]): void;
  error(error: unknown): void;
}

export class SourceFeed implements RuleSource {
  readonly name: string;
  readonly precedence: number;
  declare readonly local?: true;
  readonly #rules = new Map<string, Upsert>();
  /** Those that stand: a batch repeats them. */
  #problems: readonly RuleChange[] = [];
  #complete: Complete | undefined;
  #state: State | undefined;
  #failed: { readonly error: unknown } | undefined;
  readonly #followers = new Map<Follower, ReadonlySet<string>>();
  readonly #inUse = new BehaviorSubject<ReadonlySet<string>>(new Set());
  #subscription: Subscription | undefined;

  constructor(
    private source: RuleSource,
    private readonly runtime: Runtime = systemRuntime(),
  ) {
    this.name = source.name;
    this.precedence = source.precedence;
    if (source.local) this.local = true;
  }

  /** Each watcher has everything said to it: first all there is. */
  watch(context?: SourceContext): Observable<readonly RuleChange[]> {
    return new Observable((subscriber) => {
      const follower: Follower = subscriber;
      this.#followers.set(follower, new Set());
      const using = context?.inUse.subscribe((keys) => this.#use(follower, keys));
      const known = this.#known();
      if (known.length > 0) subscriber.next(known);
      if (this.#failed !== undefined) subscriber.error(this.#failed.error);
      this.#subscription ??= this.#follow(this.source);
      return () => {
        using?.unsubscribe();
        this.#followers.delete(follower);
        this.#use(follower, undefined);
      };
    });
  }

  /**
   * Follows another source, or the same anew.
   * @param giveUp - ends the waiting for what it has
   * @throws what it fails with before it has said all it has, or the reason to give up
   */
  reread(source: RuleSource = this.source, giveUp?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      giveUp?.throwIfAborted();
      const said: RuleChange[] = [];
      const subscription = new Subscription();
      const taken = () => this.#subscription === subscription;
      const next = (batch: readonly RuleChange[]) => {
        if (taken()) return this.#say(batch);
        said.push(...batch);
        if (!batch.some(({ type }) => type === 'complete')) return;
        this.#subscription?.unsubscribe();
        this.#subscription = subscription;
        this.source = source;
        this.#say(this.#difference(said));
        resolve();
      };
      const error = (thrown: unknown) => (taken() ? this.#fail(thrown) : reject(thrown));
      giveUp?.addEventListener('abort', () => {
        if (taken()) return;
        subscription.unsubscribe();
        reject(giveUp.reason);
      });
      subscription.add(source.watch(this.#context).subscribe({ next, error }));
    });
  }

  close(): void {
    this.#subscription?.unsubscribe();
    this.#inUse.complete();
  }

  get #context(): SourceContext {
    return { runtime: this.runtime, inUse: this.#inUse.asObservable() };
  }

  #follow(source: RuleSource): Subscription {
    return source.watch(this.#context).subscribe({
      next: (batch) => this.#say(batch),
      error: (error: unknown) => this.#fail(error),
    });
  }

  #say(batch: readonly RuleChange[]): void {
    if (batch.some(({ type }) => type !== 'state')) this.#problems = batch.filter(({ type }) => type === 'problem');
    for (const change of batch) {
      if (change.type === 'upsert') this.#rules.set(idOf(change.kind, keyOf(change)), change);
      else if (change.type === 'remove') this.#rules.delete(idOf(change.kind, change.key));
      else if (change.type === 'complete') {
        this.#complete = merged(this.#complete, change);
        const version = this.#state?.version;
        this.#state = version === undefined ? undefined : { type: 'state', state: 'live', version };
      } else if (change.type === 'state') this.#state = { ...this.#state, ...change };
    }
    for (const follower of [...this.#followers.keys()]) follower.next(batch);
  }

  #fail(error: unknown): void {
    this.#failed = { error };
    for (const follower of [...this.#followers.keys()]) follower.error(error);
  }

  /** All there is, for one who knows nothing. */
  #known(): readonly RuleChange[] {
    const known: RuleChange[] = [...this.#rules.values(), ...this.#problems];
    if (this.#complete !== undefined) known.push(this.#complete);
    if (this.#state !== undefined) known.push(this.#state);
    return known;
  }

  #difference(said: readonly RuleChange[]): readonly RuleChange[] {
    const gone = new Map(this.#rules);
    const changes = said.filter((change) => {
      if (change.type !== 'upsert') return true;
      const id = idOf(change.kind, keyOf(change));
      gone.delete(id);
      return !sameContent(this.#rules.get(id)?.rule, change.rule);
    });
    const removals = [...gone.values()].map((it) => ({ type: 'remove', kind: it.kind, key: keyOf(it) }) as const);
    return [...removals, ...changes];
  }

  #use(follower: Follower, keys: ReadonlySet<string> | undefined): void {
    if (keys !== undefined) this.#followers.set(follower, keys);
    const all = new Set<string>();
    for (const each of this.#followers.values()) for (const key of each) all.add(key);
    const before = this.#inUse.value;
    if (all.size !== before.size || [...all].some((key) => !before.has(key))) this.#inUse.next(all);
  }
}

/** What was said to be all: of some services, of more, or altogether. */
function merged(before: Complete | undefined, { type, of }: Complete): Complete {
  if (of === undefined || before === undefined) return of === undefined ? { type } : { type, of };
  return before.of === undefined ? { type, of } : { type, of: new Set([...before.of, ...of]) };
}

export function keyOf({ rule }: Upsert): string {
  return 'name' in rule ? rule.name : rule.key;
}

export function idOf(kind: RuleKind, key: string): string {
  return `${kind} ${key}`;
}
