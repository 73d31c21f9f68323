/**
 * A source whose rules outlive the process. What an earlier process stored is said first, at once and as if the source had
 * said all it has, so that calls need not wait for a control plane; its state is `last-good`. The source's own first
 * `complete` ends that. What it left out of what was stored goes 15 s later: where everything has just been started, a
 * control plane may answer before it knows everything. A source that is asked by name refutes only what it was asked for.
 *
 * Stored is what the source says and the mesh accepts. Where a rule is refused or waits, the last one that was accepted
 * stays stored, as it stays in force. Writing is put off for a second, so that a burst of changes is one write, and what
 * is not accepted is looked at again for as long as it may yet be.
 */
import { Observable, type Subscriber, type Subscription } from 'rxjs';
import type { Expirable, Runtime, Timer } from '../../runtime/index.js';
import { PATIENCE_MS } from '../adoption.js';
import { sameContent } from '../content.js';
import { type RuleChange, type RuleKind, type RuleUpsert, serviceKey } from '../model.js';
import type { RuleSource, SourceContext } from '../source.js';
import type { LastGoodStore } from './last-good.js';

export interface LastGoodOptions {
  readonly store: LastGoodStore;
  readonly runtime: Runtime;
  /** Is it in force, or would be if nothing were over it? Asked a second after it came, and then each 15 s while it isn't. */
  readonly accepted: (rule: RuleUpsert) => boolean;
}

const WRITE_AFTER_MS = 1000;
const DOUBT_MS = 15_000;
/** Rules that are asked about in one turn of the event loop. */
const SLICE = 64;

/** A source with a memory. */
export interface RememberingSource extends RuleSource {
  /** Resolves when what an earlier process stored has been said, or cannot be read; the newest `watch` counts. */
  remembered(): Promise<void>;
  /** Resolves when what was said before `watch` was unsubscribed is stored, or cannot be. */
  stored(): Promise<void>;
}

export function withLastGood(source: RuleSource, options: LastGoodOptions): RememberingSource {
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
    stored: async () => last?.stored(),
  };
}

type StateChange = Extract<RuleChange, { readonly type: 'state' }>;
type Standing = StateChange['state'];

class Memory implements Expirable {
  /** What the source says, by kind and key. */
  readonly #said = new Map<string, RuleUpsert>();
  /** The newest that was accepted of each; what was stored at first. */
  readonly #good = new Map<string, RuleUpsert>();
  /** Stored, and neither confirmed nor left out by the source. */
  readonly #stored = new Map<string, RuleUpsert>();
  /** Stored and left out: until when it stays, in `runtime.now()`. In order. */
  readonly #doubted = new Map<string, number>();
  /** Came since it was last asked whether they are accepted, or were not. */
  readonly #open = new Set<string>();
  /** Those that stand: a batch repeats them. */
  #problems: readonly RuleChange[] = [];
  #version: string | undefined;
  #state: Standing = 'connecting';
  /** Did the source itself say all it has? */
  #complete = false;
  /** All, and not of some services alone? */
  #whole = false;
  /** Is there something to write? */
  #changed = false;
  #forgetting: Timer | undefined;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  /** Is a look to be taken, also after the one under way? */
  #again = false;
  #closed = false;
  readonly #subscription: Subscription;
  readonly remembered: Promise<void>;

  constructor(
    private readonly source: RuleSource,
    context: SourceContext | undefined,
    private readonly options: LastGoodOptions,
    private readonly subscriber: Subscriber<readonly RuleChange[]>,
  ) {
    this.remembered = this.#remember();
    this.#subscription = source.watch(context).subscribe({
      next: (batch) => this.#take(batch),
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
  }

  close(): void {
    this.#closed = true;
    this.#subscription.unsubscribe();
    this.#forgetting?.cancel();
    this.#write();
  }

  async stored(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  expired(timer: Timer): void {
    if (timer === this.#forgetting) this.#forget();
    else this.#write();
  }

  async #remember(): Promise<void> {
    try {
      const stored = await this.options.store.load(this.source.name);
      // A source that was quicker knows better.
      if (stored === undefined || this.#closed || this.#whole) return;
      for (const rule of stored.rules) {
        const id = idOf(rule.kind, keyOf(rule));
        if (this.#said.has(id)) continue;
        this.#good.set(id, rule);
        this.#stored.set(id, rule);
      }
      const rules = [...this.#stored.values(), ...this.#problems];
      this.#emit(this.#complete ? rules : [...rules, { type: 'complete' }, standing('last-good', stored.version)]);
    } catch (error) {
      this.#tell(`its last-good rules: ${(error as Error).message}`);
    }
  }

  #take(batch: readonly RuleChange[]): void {
    if (batch.some(({ type }) => type !== 'state')) this.#problems = batch.filter(({ type }) => type === 'problem');
    for (const change of batch) {
      if (change.type === 'upsert') this.#say(change);
      else if (change.type === 'remove') this.#unsay(idOf(change.kind, change.key));
      else if (change.type === 'state') this.#version = change.version ?? this.#version;
    }
    for (const change of batch) if (change.type === 'complete') this.#completed(change.of);
    const remembering = !this.#complete && this.#state === 'last-good';
    this.#emit(remembering ? batch.map(asLastGood) : batch);
    if (this.#complete && (this.#changed || this.#open.size > 0)) this.#arm(WRITE_AFTER_MS);
  }

  #say(rule: RuleUpsert): void {
    const id = idOf(rule.kind, keyOf(rule));
    // It goes unasked otherwise, and may be what stays in force.
    if (this.#open.has(id)) this.#ask(id);
    this.#said.set(id, rule);
    this.#open.add(id);
    this.#stored.delete(id);
    this.#doubted.delete(id);
  }

  #unsay(id: string): void {
    this.#said.delete(id);
    this.#open.delete(id);
    this.#stored.delete(id);
    this.#doubted.delete(id);
    if (this.#good.delete(id)) this.#changed = true;
  }

  /** It has said all it has, of these services or altogether: what of this is stored and was not said is in doubt. */
  #completed(of: ReadonlySet<string> | undefined): void {
    this.#complete = true;
    this.#whole ||= of === undefined;
    const until = this.options.runtime.now() + DOUBT_MS;
    for (const [id, { rule }] of this.#stored) {
      if (of !== undefined && !of.has('key' in rule ? rule.key : serviceKey(rule.host, rule.port))) continue;
      this.#stored.delete(id);
      this.#doubted.set(id, until);
    }
    this.#doubt();
  }

  #doubt(): void {
    const [next] = this.#doubted.values();
    if (next !== undefined) this.#forgetting ??= this.options.runtime.timers.armAt(next, this);
  }

  #forget(): void {
    this.#forgetting = undefined;
    const now = this.options.runtime.now();
    const due = [...this.#doubted].filter(([, until]) => until <= now).map(([id]) => this.#good.get(id)!);
    for (const rule of due) this.#unsay(idOf(rule.kind, keyOf(rule)));
    const gone = due.map((rule) => ({ type: 'remove', kind: rule.kind, key: keyOf(rule) }) as const);
    if (gone.length > 0) this.#emit([...gone, ...this.#problems]);
    if (this.#changed) this.#arm(WRITE_AFTER_MS);
    this.#doubt();
  }

  #emit(batch: readonly RuleChange[]): void {
    for (const change of batch) {
      if (change.type === 'state') this.#state = change.state;
      else if (change.type === 'complete') this.#state = 'live';
    }
    this.subscriber.next(batch);
  }

  #tell(error: string): void {
    this.subscriber.next([standing(this.#state, undefined, error)]);
  }

  #arm(delayMs: number): void {
    if (this.#closed) return;
    const { runtime } = this.options;
    const dueAt = runtime.now() + delayMs;
    if (this.#timer !== undefined && this.#timer.dueAt <= dueAt) return;
    this.#timer?.cancel();
    this.#timer = runtime.timers.armAt(dueAt, this);
  }

  #write(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#again = true;
    if (this.#complete) this.#writing ??= this.#writeAll();
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    let failed = false;
    while (this.#again) {
      this.#again = false;
      await this.#accept();
      if (this.#changed) failed = !(await this.#save());
    }
    this.#writing = undefined;
    if (failed || this.#open.size > 0) this.#arm(PATIENCE_MS);
  }

  async #accept(): Promise<void> {
    let asked = 0;
    for (const id of this.#open) {
      this.#ask(id);
      if (++asked % SLICE === 0) await new Promise(setImmediate);
    }
  }

  #ask(id: string): void {
    const rule = this.#said.get(id)!;
    if (!this.options.accepted(rule)) return;
    this.#open.delete(id);
    if (!sameContent(this.#good.get(id)?.rule, rule.rule)) this.#changed = true;
    this.#good.set(id, rule);
  }

  /** @returns whether it is stored. */
  async #save(): Promise<boolean> {
    this.#changed = false;
    const savedAt = this.options.runtime.wallNow();
    const rules = { version: this.#version, savedAt, rules: [...this.#good.values()] };
    return this.options.store.save(this.source.name, rules).then(
      () => true,
      (error: Error) => {
        this.#changed = true;
        this.#tell(`its last-good rules are not stored: ${error.message}`);
        return false;
      },
    );
  }
}

/** Until the source has said all it has, that is how it stands, whatever its connection does. */
function asLastGood(change: RuleChange): RuleChange {
  return change.type === 'state' ? standing('last-good', undefined, change.error) : change;
}

function standing(state: Standing, version?: string, error?: string): StateChange {
  return { type: 'state', state, ...(version !== undefined && { version }), ...(error !== undefined && { error }) };
}

function idOf(kind: RuleKind, key: string): string {
  return `${kind} ${key}`;
}

function keyOf({ rule }: RuleUpsert): string {
  return 'name' in rule ? rule.name : rule.key;
}
