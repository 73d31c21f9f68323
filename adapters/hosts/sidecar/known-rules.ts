import { type RuleChange, type RuleKind, sameContent } from '../../../src/rules/index.js';

type Upsert = Extract<RuleChange, { readonly type: 'upsert' }>;
type State = Extract<RuleChange, { readonly type: 'state' }>;
type Complete = Extract<RuleChange, { readonly type: 'complete' }>;

/** What a source has said so far. */
export class KnownRules {
  readonly #rules = new Map<string, Upsert>();
  /** Those that stand: a batch repeats them. */
  #problems: readonly RuleChange[] = [];
  #complete: Complete | undefined;
  #state: State | undefined;

  take(batch: readonly RuleChange[]): void {
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
  }

  /** Has it said all it has of these services? */
  covers(keys: ReadonlySet<string>): boolean {
    if (this.#complete === undefined) return false;
    const { of } = this.#complete;
    return of === undefined || [...keys].every((key) => of.has(key));
  }

  /** All there is, for one who knows nothing. */
  all(): readonly RuleChange[] {
    return [...this.#rules.values(), ...this.#rest()];
  }

  /** What differs, for one who knows what was there before. */
  since(before: KnownRules): readonly RuleChange[] {
    const changes: RuleChange[] = [];
    for (const [id, it] of before.#rules) {
      if (!this.#rules.has(id)) changes.push({ type: 'remove', kind: it.kind, key: keyOf(it) });
    }
    for (const [id, it] of this.#rules) {
      if (!sameContent(before.#rules.get(id)?.rule, it.rule)) changes.push(it);
    }
    return [...changes, ...this.#rest()];
  }

  #rest(): readonly RuleChange[] {
    return [...this.#problems, ...[this.#complete, this.#state].filter((it) => it !== undefined)];
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
