import type { Subscription } from 'rxjs';
import { type RuleSource, type RuleStore, watchSource } from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';
import type { Logger } from '../telemetry/index.js';

/** Follows the sources, and knows when calls need not wait for the first rules any longer. */
export class Intake {
  /** Resolves when every source is in sync, one has failed, or time is up; see {@link problem}. */
  readonly opened: Promise<void>;
  open = false;
  /** Why the first rules are not there; undefined: they are. */
  problem: Error | undefined;
  private readonly subscriptions: Subscription[] = [];

  constructor(
    sources: readonly RuleSource[],
    private readonly store: RuleStore,
    private readonly runtime: Runtime,
    private readonly initialTimeoutMs: number,
    private readonly logger: Logger,
    private readonly onOpen: () => void,
  ) {
    this.opened = this.follow(sources);
  }

  close(): void {
    for (const subscription of this.subscriptions) subscription.unsubscribe();
  }

  private follow(sources: readonly RuleSource[]): Promise<void> {
    return new Promise((resolve) => {
      const finish = (problem?: Error): void => {
        if (this.open) return;
        timer.cancel();
        this.problem = problem;
        this.open = true;
        this.onOpen();
        resolve();
      };
      const timer = this.runtime.timers.arm(this.initialTimeoutMs, {
        expired: () => finish(new Error(`no rules within ${this.initialTimeoutMs} ms from ${this.silent()}`)),
      });
      timer.ref();
      const statuses = this.store.statuses.subscribe((status) => {
        for (const problem of status.problems) this.logger.warn(`source ${status.name}: ${problem}`);
        if (status.failed) finish(new Error(`source ${status.name} failed: ${status.problems.join('; ')}`));
        else if (this.store.synced) finish();
      });
      this.subscriptions.push(statuses);
      for (const source of sources) this.store.register(source);
      for (const source of sources) this.subscriptions.push(watchSource(this.store, source));
      if (this.store.synced) finish();
    });
  }

  private silent(): string {
    return this.store.sources
      .filter((it) => !it.synced)
      .map((it) => it.name)
      .join(', ');
  }
}
