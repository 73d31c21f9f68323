import { BehaviorSubject, type Subscription } from 'rxjs';
import { type MetaRdsOptions, metaRdsSource } from '../../../../adapters/sources/metards/index.js';
import type { RuleChange, SourceState } from '../../../../src/rules/index.js';
import { type Runtime, systemRuntime } from '../../../../src/runtime/index.js';
import { Queue } from '../../../support/scripted-metards.js';

/** A MetaRDS source that is watched, with what it said. */
export class Watching {
  /** Each in its turn. */
  readonly batches = new Queue<readonly RuleChange[]>();
  /** What is in force: route names by service. */
  readonly tables = new Map<string, readonly string[]>();
  readonly states: { state: SourceState; version?: string; error?: string }[] = [];
  readonly inUse: BehaviorSubject<ReadonlySet<string>>;
  /** Of the newest batch that was not of states alone. */
  problems: readonly string[] = [];
  readonly #subscription: Subscription;

  constructor(options: MetaRdsOptions, runtime: Runtime = systemRuntime(), inUse: readonly string[] = []) {
    this.inUse = new BehaviorSubject<ReadonlySet<string>>(new Set(inUse));
    const context = { runtime, inUse: this.inUse };
    this.#subscription = metaRdsSource(options)
      .watch(context)
      .subscribe((batch) => this.#apply(batch));
  }

  use(...keys: string[]): void {
    this.inUse.next(new Set(keys));
  }

  close(): void {
    this.#subscription.unsubscribe();
  }

  /** The next batch in which the source has another state, and the error it gives. */
  async state(wanted: SourceState): Promise<string | undefined> {
    for (;;) {
      const batch = await this.batches.next();
      for (const change of batch) if (change.type === 'state' && change.state === wanted) return change.error;
    }
  }

  #apply(batch: readonly RuleChange[]): void {
    const problems: string[] = [];
    for (const change of batch) {
      if (change.type === 'upsert' && change.kind === 'routes') {
        const { key, routes } = change.rule;
        this.tables.set(
          key,
          routes.map(({ name }) => name),
        );
      } else if (change.type === 'remove') this.tables.delete(change.key);
      else if (change.type === 'state') this.states.push(change);
      else if (change.type === 'problem') problems.push(change.message);
    }
    if (batch.some(({ type }) => type !== 'state')) this.problems = problems;
    this.batches.push(batch);
  }
}
