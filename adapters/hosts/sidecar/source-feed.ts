/**
 * A source of rules that several meshes follow, here or in workers, while it is followed once: one stream of a control plane,
 * one reading of the files. It keeps what was said, so that a mesh which comes later is told all there is, as one batch.
 *
 * It can be read again, or changed for another source of its name: what that says until it has said all of the services in
 * use is compared with what is known, and only the difference is passed on. If it fails, everything stays as it was.
 */
import { BehaviorSubject, Observable, Subscription } from 'rxjs';
import type { RuleChange, RuleSource, SourceContext } from '../../../src/rules/index.js';
import { type Runtime, systemRuntime } from '../../../src/spi.js';
import { KnownRules } from './known-rules.js';

/** Who follows a feed. */
interface Follower {
  next(batch: readonly RuleChange[]): void;
  error(error: unknown): void;
}

export class SourceFeed implements RuleSource {
  readonly name: string;
  readonly precedence: number;
  declare readonly local?: true;
  #known = new KnownRules();
  #failed: { readonly error: unknown } | undefined;
  readonly #followers = new Map<Follower, ReadonlySet<string>>();
  readonly #inUse = new BehaviorSubject<ReadonlySet<string>>(new Set());
  #subscription: Subscription | undefined;
  #retired = false;

  constructor(
    private source: RuleSource,
    private readonly runtime: Runtime = systemRuntime(),
  ) {
    this.name = source.name;
    this.precedence = source.precedence;
    if (source.local) this.local = true;
  }

  /** Whoever followed it when it did hears of no more changes, even if it is read again: an Observable fails for good. */
  get hasFailed(): boolean {
    return this.#failed !== undefined;
  }

  /** Each watcher has everything said to it: first all there is. */
  watch(context?: SourceContext): Observable<readonly RuleChange[]> {
    return new Observable((subscriber) => {
      const follower: Follower = subscriber;
      this.#followers.set(follower, new Set());
      const using = context?.inUse.subscribe((keys) => this.#use(follower, keys));
      const known = this.#known.all();
      if (known.length > 0) subscriber.next(known);
      if (this.#failed !== undefined) subscriber.error(this.#failed.error);
      this.#subscription ??= this.#follow(this.source);
      return () => {
        using?.unsubscribe();
        this.#followers.delete(follower);
        this.#use(follower, undefined);
        this.#closeIfForgotten();
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
      const fresh = new KnownRules();
      const subscription = new Subscription();
      const uses = new Subscription();
      const taken = () => this.#subscription === subscription;
      const takeOver = () => {
        if (taken() || !fresh.covers(this.#inUse.value)) return;
        uses.unsubscribe();
        this.#subscription?.unsubscribe();
        this.#subscription = subscription;
        this.source = source;
        this.#failed = undefined;
        const difference = fresh.since(this.#known);
        this.#known = fresh;
        this.#pass(difference);
        resolve();
      };
      const next = (batch: readonly RuleChange[]) => {
        fresh.take(batch);
        if (taken()) this.#pass(batch);
        else takeOver();
      };
      const stop = (reason: unknown) => {
        uses.unsubscribe();
        subscription.unsubscribe();
        reject(reason);
      };
      const error = (thrown: unknown) => (taken() ? this.#fail(thrown) : stop(thrown));
      giveUp?.addEventListener('abort', () => {
        if (!taken()) stop(giveUp.reason);
      });
      subscription.add(source.watch(this.#context).subscribe({ next, error }));
      // What it has said may be all of fewer.
      uses.add(this.#inUse.subscribe(takeOver));
    });
  }

  /** Nobody new will follow it: it is closed once nobody does. */
  retire(): void {
    this.#retired = true;
    this.#closeIfForgotten();
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
      next: (batch) => {
        this.#known.take(batch);
        this.#pass(batch);
      },
      error: (error: unknown) => this.#fail(error),
    });
  }

  #pass(batch: readonly RuleChange[]): void {
    for (const follower of [...this.#followers.keys()]) follower.next(batch);
  }

  #fail(error: unknown): void {
    this.#failed = { error };
    for (const follower of [...this.#followers.keys()]) follower.error(error);
  }

  #use(follower: Follower, keys: ReadonlySet<string> | undefined): void {
    if (keys !== undefined) this.#followers.set(follower, keys);
    const all = new Set<string>();
    for (const each of this.#followers.values()) for (const key of each) all.add(key);
    const before = this.#inUse.value;
    if (all.size !== before.size || [...all].some((key) => !before.has(key))) this.#inUse.next(all);
  }

  #closeIfForgotten(): void {
    if (this.#retired && this.#followers.size === 0) this.close();
  }
}
