/**
 * A source whose rules outlive the process. What an earlier process stored is said first, at once and as if the source had
 * said all it has, so that calls need not wait for a control plane; its state is `last-good`. The source's own first
 * `complete` ends that. What it left out of what was stored goes 15 s later: where everything has just been started, a
 * control plane may answer before it knows everything. A source that is asked by name refutes only what it was asked for.
 */
import { Observable, type Subscriber, type Subscription } from 'rxjs';
import type { Expirable, Timer } from '../../runtime/index.js';
import { type RuleChange, type RuleUpsert, serviceKey } from '../model.js';
import type { RuleSource, SourceContext } from '../source.js';
import { idOf, Keeper, type KeeperOptions, keyOf } from './keeper.js';

const DOUBT_MS = 15_000;

/** A source with a memory. */
export interface RememberingSource extends RuleSource {
  /** Resolves when what an earlier process stored has been said, or cannot be read; the newest `watch` counts. */
  remembered(): Promise<void>;
  /** Resolves when what was said before `watch` was unsubscribed is stored, or cannot be. */
  stored(): Promise<void>;
}

export function withLastGood(source: RuleSource, options: KeeperOptions): RememberingSource {
  let last: Memory | undefined;
  return {
    name: source.name,
    precedence: source.precedence,
    watch: (context) =>
      new Observable((subscriber) => {
        const memory = new Memory(source, context, options, subscriber);
        last = memory;
        return () => memory.close();
      }),
    remembered: async () => last?.remembered,
    stored: async () => last?.keeper.idle(),
  };
}

type StateChange = Extract<RuleChange, { readonly type: 'state' }>;
type Complete = Extract<RuleChange, { readonly type: 'complete' }>;

class Memory implements Expirable {
  readonly keeper: Keeper;
  readonly remembered: Promise<void>;
  /** Stored, and neither confirmed nor left out by the source. */
  readonly #stored = new Map<string, RuleUpsert>();
  /** Stored and left out: until when it stays, in `runtime.now()`. In order. */
  readonly #doubted = new Map<string, { readonly rule: RuleUpsert; readonly until: number }>();
  /** Those that stand: a batch repeats them. */
  #problems: readonly RuleChange[] = [];
  #state: StateChange['state'] = 'connecting';
  /** Did the source itself say all it has? */
  #complete = false;
  /** All, and not of some services alone? */
  #whole = false;
  /** Is the store still read? */
  #loading = true;
  #held: Complete | undefined;
  #timer: Timer | undefined;
  readonly #subscription: Subscription;

  constructor(
    private readonly source: RuleSource,
    context: SourceContext | undefined,
    private readonly options: KeeperOptions,
    private readonly subscriber: Subscriber<readonly RuleChange[]>,
  ) {
    this.keeper = new Keeper(source.name, options, (error) => this.#tell(error));
    this.remembered = this.#remember();
    this.#subscription = source.watch(context).subscribe({
      next: (batch) => this.#take(batch),
      // Not before what is stored was said: it serves all the same. One that completes leaves things to do here.
      error: (error: unknown) => void this.remembered.then(() => subscriber.error(error)),
    });
  }

  close(): void {
    this.#subscription.unsubscribe();
    this.#timer?.cancel();
    this.keeper.close();
  }

  /** What is in doubt long enough goes. */
  expired(): void {
    this.#timer = undefined;
    const now = this.options.runtime.now();
    const gone: RuleChange[] = [];
    for (const [id, { rule, until }] of this.#doubted) {
      if (until > now) break;
      this.#unsay(id);
      gone.push({ type: 'remove', kind: rule.kind, key: keyOf(rule) });
    }
    if (gone.length > 0) this.#emit([...gone, ...this.#problems]);
    this.#doubt();
  }

  async #remember(): Promise<void> {
    const stored = await this.options.store.load(this.source.name).catch((error: Error) => {
      this.#tell(`its last-good rules: ${error.message}`);
      return undefined;
    });
    this.#loading = false;
    if (this.subscriber.closed) return;
    for (const rule of stored?.rules ?? []) {
      const id = idOf({ kind: rule.kind, key: keyOf(rule) });
      this.keeper.recall(id, rule);
      if (this.keeper.has(id)) continue;
      // A source that was quicker knows better.
      if (this.#whole) this.keeper.unsay(id);
      else this.#stored.set(id, rule);
    }
    const batch: RuleChange[] = [...this.#stored.values(), ...this.#problems];
    if (this.#held !== undefined) batch.push(this.#held);
    else if (!this.#complete && stored !== undefined) {
      batch.push({ type: 'complete' }, lastGood(undefined, stored.version));
    }
    if (batch.length > this.#problems.length) this.#emit(batch);
    if (this.#held !== undefined) this.#completed(this.#held);
    this.#held = undefined;
  }

  #take(batch: readonly RuleChange[]): void {
    if (batch.some(({ type }) => type !== 'state')) this.#problems = batch.filter(({ type }) => type === 'problem');
    for (const change of batch) {
      if (change.type === 'upsert') this.#say(change);
      else if (change.type === 'remove') this.#unsay(idOf(change));
      else if (change.type === 'state') this.keeper.version = change.version ?? this.keeper.version;
    }
    for (const change of batch) if (change.type === 'complete') this.#completed(change);
    const seen = this.#seen(batch);
    if (seen.length > 0) this.#emit(seen);
  }

  #say(rule: RuleUpsert): void {
    const id = idOf({ kind: rule.kind, key: keyOf(rule) });
    this.keeper.say(id, rule);
    this.#stored.delete(id);
    this.#doubted.delete(id);
  }

  #unsay(id: string): void {
    this.keeper.unsay(id);
    this.#stored.delete(id);
    this.#doubted.delete(id);
  }

  /** It has said all it has, of these services or altogether: what of this is stored and was not said is in doubt. */
  #completed({ of }: Complete): void {
    this.#complete = true;
    this.#whole ||= of === undefined;
    const until = this.options.runtime.now() + DOUBT_MS;
    for (const [id, rule] of this.#stored) {
      if (of !== undefined && !of.has(serviceOf(rule))) continue;
      this.#stored.delete(id);
      this.#doubted.set(id, { rule, until });
    }
    this.#doubt();
    // Not over what is stored of services that were not asked for, before it is read.
    if (this.#whole || !this.#loading) this.keeper.begin();
  }

  #doubt(): void {
    const [next] = this.#doubted.values();
    if (next !== undefined) this.#timer ??= this.options.runtime.timers.armAt(next.until, this);
  }

  /** What the mesh is told of what the source said. */
  #seen(batch: readonly RuleChange[]): readonly RuleChange[] {
    if (this.#stored.size > 0) {
      // That stands in for the source, whatever its connection does.
      const better = (change: StateChange) => this.#complete && change.state !== 'connecting';
      return batch.map((it) => (it.type !== 'state' || better(it) ? it : lastGood(it.error)));
    }
    if (!this.#loading || !this.#complete || this.#whole) return batch;
    // Complete of what was asked for: until it is known what is stored of the rest, that is not enough to begin with.
    for (const change of batch) if (change.type === 'complete') this.#held = change;
    return batch.filter(({ type }) => type !== 'complete');
  }

  #emit(batch: readonly RuleChange[]): void {
    for (const change of batch) {
      if (change.type === 'state') this.#state = change.state;
      else if (change.type === 'complete') this.#state = 'live';
    }
    this.subscriber.next(batch);
  }

  #tell(error: string): void {
    this.subscriber.next([{ type: 'state', state: this.#state, error }]);
  }
}

function lastGood(error?: string, version?: string): StateChange {
  return {
    type: 'state',
    state: 'last-good',
    ...(version !== undefined && { version }),
    ...(error !== undefined && { error }),
  };
}

function serviceOf({ rule }: RuleUpsert): string {
  return 'key' in rule ? rule.key : serviceKey(rule.host, rule.port);
}
