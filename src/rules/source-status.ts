import type { RuleChange, RuleKind, SourceState } from './model.js';

/** What a source complained of. */
export interface SourceProblem {
  /** `error`: something that was said is not in force. */
  readonly severity: 'error' | 'warning';
  /** For people: what, where, and what to do. */
  readonly message: string;
}

/** What is known of a source, for `ready` and for people. Times are Unix ms. */
export interface SourceStatus {
  readonly name: string;
  readonly precedence: number;
  readonly state: SourceState;
  /** Since when it is in that state. */
  readonly since: number;
  /** Has it said everything it has, at least once? Last-good rules count. */
  readonly synced: boolean;
  /** The source's own, of what it said last; undefined: it has none. */
  readonly version: string | undefined;
  /** When it last said anything of rules; undefined: never. */
  readonly changedAt: number | undefined;
  /** The last reason for not being `live`, which may be long past. */
  readonly lastError: { readonly message: string; readonly at: number } | undefined;
  /** Those that stand, by the newest batch that said anything. */
  readonly problems: readonly SourceProblem[];
  /** Rules that it has, whether or not another source's are over them. */
  readonly rules: Readonly<Record<RuleKind, number>>;
  /** Batches of rules that came. */
  readonly updates: number;
  /** Problems of severity `error` that came, each once while it stands. */
  readonly rejected: number;
}

/** News of a source. */
export interface SourceChange {
  /** As it stands now. Live: it goes on changing. */
  readonly source: SourceStatus;
  /** The same as now if something else is new. */
  readonly before: SourceState;
  /** A reason for not being `live` that was given just now. */
  readonly error: string | undefined;
  /** Problems that were told just now. */
  readonly problems: readonly SourceProblem[];
}

/** {@link SourceStatus}, as the store keeps it. */
export class SourceRecord implements SourceStatus {
  readonly #order: number;
  state: SourceState = 'connecting';
  synced = false;
  version: string | undefined = undefined;
  changedAt: number | undefined = undefined;
  lastError: SourceStatus['lastError'] = undefined;
  problems: readonly SourceProblem[] = [];
  readonly rules: Record<RuleKind, number> = { service: 0, routes: 0, cluster: 0, endpoints: 0 };
  updates = 0;
  rejected = 0;
  /** Of a source that is asked by name: the services of which it has said all; undefined: it says all by itself. */
  #answered: Set<string> | undefined = undefined;

  constructor(
    readonly name: string,
    readonly precedence: number,
    order: number,
    public since: number,
  ) {
    this.#order = order;
  }

  /** When it was registered, among its fellows. */
  get order(): number {
    return this.#order;
  }

  /**
   * What a batch says of the source itself.
   * @param ruled - it said something of rules
   * @returns what is new of it; undefined: nothing
   */
  hear(batch: Iterable<RuleChange>, ruled: boolean, now: number): SourceChange | undefined {
    const { synced, state: before } = this;
    const problems: SourceProblem[] = [];
    let said = false;
    let answered = false;
    let error: string | undefined;
    for (const change of batch) {
      said ||= change.type !== 'state';
      switch (change.type) {
        case 'complete':
          this.synced = true;
          answered = this.#answer(change.of) || answered;
          this.#become('live', now);
          break;
        case 'state':
          this.#become(change.state, now);
          this.version = change.version ?? this.version;
          error = change.error ?? error;
          break;
        case 'problem': {
          const { severity = 'warning', message } = change;
          problems.push({ severity, message });
        }
      }
    }
    if (ruled) {
      this.updates++;
      this.changedAt = now;
    }
    const news = said ? this.#complain(problems) : [];
    if (error !== undefined) this.lastError = { message: error, at: now };
    const isNew = this.state !== before || error !== undefined || news.length > 0 || this.synced !== synced;
    return isNew || answered ? { source: this, before, error, problems: news } : undefined;
  }

  /** Is it yet to say what it has of that service? Of a source that is asked by name, and not failed. */
  owes(key: string): boolean {
    return this.#answered !== undefined && this.state !== 'failed' && !this.#answered.has(key);
  }

  /** @returns whether it owed any of that */
  #answer(of: ReadonlySet<string> | undefined): boolean {
    if (of === undefined) {
      const owed = this.#answered !== undefined;
      this.#answered = undefined;
      return owed;
    }
    this.#answered ??= new Set();
    const before = this.#answered.size;
    for (const key of of) this.#answered.add(key);
    return this.#answered.size > before;
  }

  /** It will never go on. */
  failed(error: string, now: number): SourceChange {
    const before = this.state;
    this.#become('failed', now);
    this.lastError = { message: error, at: now };
    return { source: this, before, error, problems: [] };
  }

  #become(state: SourceState, now: number): void {
    if (state === this.state) return;
    this.state = state;
    this.since = now;
  }

  /** @returns those that did not stand before. */
  #complain(problems: readonly SourceProblem[]): readonly SourceProblem[] {
    const before = new Set(this.problems.map(({ message }) => message));
    const news = problems.filter(({ message }) => !before.has(message));
    this.problems = problems;
    for (const { severity } of news) if (severity === 'error') this.rejected++;
    return news;
  }
}
