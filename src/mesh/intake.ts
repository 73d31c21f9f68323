import type { Subscription } from 'rxjs';
import { type RuleSource, type RuleStore, type SourceContext, watchSource } from '../rules/index.js';
import type { Expirable, Timer } from '../runtime/index.js';
import type { Logger } from '../telemetry/index.js';
import { tellSource } from './tell.js';

/** Among the names of sources, none of which is empty. */
const MEMORY = '';

/** Follows the sources, and knows when calls need not wait for the first rules any longer. */
export class Intake implements Expirable {
  /** Resolves when every source is in sync, one has failed, or time is up; see {@link problem}. */
  readonly opened: Promise<void>;
  open = false;
  /** Why the first rules are not there; undefined: they are, if late. */
  problem: Error | undefined;
  private readonly sourceless: boolean;
  /** Sources of this machine that have not said all they have. */
  private readonly reading = new Set<string>();
  private readonly subscriptions: Subscription[] = [];
  private readonly timer: Timer;
  private resolve!: () => void;

  constructor(
    sources: readonly RuleSource[],
    private readonly store: RuleStore,
    context: SourceContext,
    private readonly initialTimeoutMs: number,
    private readonly logger: Logger,
    /** Calls may no longer have to wait. */
    private readonly onOpen: () => void,
    /** Asked once the sources are followed: when is what earlier processes stored read? @defaultValue there is nothing */
    remembered?: () => Promise<unknown>,
  ) {
    this.opened = new Promise((resolve) => {
      this.resolve = resolve;
    });
    this.timer = context.runtime.timers.arm(initialTimeoutMs, this);
    this.timer.ref();
    this.sourceless = sources.length === 0;
    if (remembered !== undefined) this.reading.add(MEMORY);
    for (const { name, local } of sources) if (local) this.reading.add(name);
    this.follow(sources, context);
    void remembered?.().then(() => this.read(MEMORY));
  }

  /** Has all been said that is of this machine? What is missing is a control plane's, which may take its time. */
  get near(): boolean {
    return this.reading.size === 0;
  }

  /** Why nobody waits for rules that are not there; undefined: they are there. Nothing is in the way of a mesh without sources. */
  get noRules(): string | undefined {
    if (!this.open) return undefined;
    return this.problem?.message ?? (this.sourceless ? 'this mesh has no source of rules' : undefined);
  }

  /** The sources did not say all they have in time. */
  expired(): void {
    this.finish(new Error(`no rules within ${this.initialTimeoutMs} ms from ${this.silent()}`));
  }

  /** Follows the sources no longer; who waits for the first rules waits in vain. */
  close(): void {
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    this.finish(new Error('the mesh was closed before it had its first rules'));
  }

  private follow(sources: readonly RuleSource[], context: SourceContext): void {
    const statuses = this.store.statuses.subscribe((change) => {
      tellSource(change, this.logger);
      const { name, state, synced, lastError } = change.source;
      if (state === 'failed' && !synced) this.finish(new Error(`source ${name} failed: ${lastError?.message}`));
      else if (this.store.synced) this.cameIn();
      else if (synced) this.read(name);
    });
    this.subscriptions.push(statuses);
    for (const source of sources) this.store.register(source);
    for (const source of sources) this.subscriptions.push(watchSource(this.store, source, context));
    if (this.store.synced) this.finish();
  }

  private read(name: string): void {
    if (this.reading.delete(name) && this.near && !this.open) this.onOpen();
  }

  /** Perhaps later than anybody waited for. */
  private cameIn(): void {
    if (this.open && this.problem !== undefined) {
      this.problem = undefined;
      this.onOpen();
    } else {
      this.finish();
    }
  }

  private finish(problem?: Error): void {
    if (this.open) return;
    this.timer.cancel();
    this.problem = problem;
    this.open = true;
    this.onOpen();
    this.resolve();
  }

  private silent(): string {
    return this.store.sources
      .filter((it) => !it.synced)
      .map(({ name, lastError }) => (lastError === undefined ? name : `${name} (${lastError.message})`))
      .join(', ');
  }
}
