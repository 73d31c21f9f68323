/**
 * Keeps what a source says and the mesh accepts. Writing is put off for a second, so that a burst of changes is one write,
 * and what is not accepted is asked about again for as long as it may yet be. Where a rule is refused or waits, the last one
 * that was accepted stays kept, as it stays in force.
 */
import type { Expirable, Runtime, Timer } from '../../runtime/index.js';
import { PATIENCE_MS } from '../adoption.js';
import { sameContent } from '../content.js';
import type { RuleKind, RuleUpsert } from '../model.js';
import type { LastGoodStore } from './last-good.js';

export interface KeeperOptions {
  readonly store: LastGoodStore;
  readonly runtime: Runtime;
  /** Is it in force, or would be if nothing were over it? Asked a second after it came, and then each 15 s while it isn't. */
  readonly accepted: (rule: RuleUpsert) => boolean;
}

const WRITE_AFTER_MS = 1000;
/** Rules that are asked about in one turn of the event loop. */
const SLICE = 64;

export class Keeper implements Expirable {
  /** The source's own, of what it said last. */
  version: string | undefined;
  /** What the source says, by {@link idOf}. */
  readonly #said = new Map<string, RuleUpsert>();
  /** The newest that was accepted of each. */
  readonly #good = new Map<string, RuleUpsert>();
  /** Came since it was last asked whether they are accepted, or were not. */
  readonly #open = new Set<string>();
  /** May what is in the store be written over? */
  #writable = false;
  /** Is there something to write? */
  #changed = false;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  /** Is a look to be taken, also after the one under way? */
  #again = false;
  #closed = false;

  /** @param failed - told why something is not stored */
  constructor(
    private readonly source: string,
    private readonly options: KeeperOptions,
    private readonly failed: (error: string) => void,
  ) {}

  has(id: string): boolean {
    return this.#said.has(id);
  }

  say(id: string, rule: RuleUpsert): void {
    // It goes unasked otherwise, and may be what stays in force.
    if (this.#open.has(id)) this.#ask(id);
    this.#said.set(id, rule);
    this.#open.add(id);
    this.#armIfOpen();
  }

  unsay(id: string): void {
    this.#said.delete(id);
    this.#open.delete(id);
    if (this.#good.delete(id)) this.#changed = true;
    this.#armIfOpen();
  }

  /** It was stored. */
  recall(id: string, rule: RuleUpsert): void {
    if (!this.#good.has(id)) this.#good.set(id, rule);
  }

  /** From now on what the store has may be written over. */
  begin(): void {
    this.#writable = true;
    this.#armIfOpen();
  }

  /** Writes what is not written yet. */
  close(): void {
    this.#closed = true;
    this.#write();
  }

  async idle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  expired(): void {
    this.#timer = undefined;
    this.#write();
  }

  #armIfOpen(): void {
    if (this.#writable && (this.#changed || this.#open.size > 0)) this.#arm(WRITE_AFTER_MS);
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
    if (this.#writable) this.#writing ??= this.#writeAll();
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
    const { store, runtime } = this.options;
    const rules = { version: this.version, savedAt: runtime.wallNow(), rules: [...this.#good.values()] };
    return store.save(this.source, rules).then(
      () => true,
      (error: Error) => {
        this.#changed = true;
        this.failed(`its last-good rules are not stored: ${error.message}`);
        return false;
      },
    );
  }
}

export function idOf({ kind, key }: { readonly kind: RuleKind; readonly key: string }): string {
  return `${kind} ${key}`;
}

export function keyOf({ rule }: RuleUpsert): string {
  return 'name' in rule ? rule.name : rule.key;
}
