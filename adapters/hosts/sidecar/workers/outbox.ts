/**
 * The rules of a source on their way to a worker: in order, in pieces, the next when the one before is written, so that a
 * large batch holds up neither end. A worker that does not keep up is sent no backlog: what waits is dropped, and when
 * it takes something again it is told all there is.
 */
import type { Subscription } from 'rxjs';
import type { RuleChange, RuleSource, SourceContext } from '../../../../src/rules/index.js';
import type { ToWorker } from './messages.js';

/** Changes in a message: a few milliseconds' worth at both ends. */
const PIECE = 64;
/** Batches that may wait. */
const MAX_WAITING = 64;

type RulesMessage = Extract<ToWorker, { type: 'rules' | 'failed' }>;

export class Outbox {
  #waiting: RulesMessage[] = [];
  #batches = 0;
  #sending = false;
  #fresh = true;
  #closed = false;
  #subscription: Subscription | undefined;

  /** @param send - resolves when the message is written; rejects if the worker is gone */
  constructor(
    private readonly watch: number,
    private readonly source: RuleSource,
    private readonly context: SourceContext,
    private readonly send: (message: RulesMessage) => Promise<void>,
  ) {
    this.#follow();
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#subscription?.unsubscribe();
  }

  #follow(): void {
    const { watch } = this;
    this.#fresh = true;
    this.#subscription = this.source.watch(this.context).subscribe({
      next: (batch) => this.#add(batch),
      error: (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        this.#waiting.push({ type: 'failed', watch, error: message });
        void this.#flush();
      },
    });
  }

  #add(batch: readonly RuleChange[]): void {
    if (this.#batches >= MAX_WAITING) {
      this.#subscription?.unsubscribe();
      this.#subscription = undefined;
      this.#waiting = [];
      this.#batches = 0;
      return;
    }
    this.#batches++;
    const reset = this.#fresh;
    this.#fresh = false;
    for (let at = 0; at === 0 || at < batch.length; at += PIECE) {
      const changes = batch.slice(at, at + PIECE);
      const more = at + PIECE < batch.length;
      this.#waiting.push({ type: 'rules', watch: this.watch, changes, reset: reset && at === 0, more });
    }
    void this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      try {
        await this.send(next);
      } catch {
        // The worker is gone, and whoever started it knows.
        this.close();
      }
    }
    this.#sending = false;
  }

  #next(): RulesMessage | undefined {
    if (this.#closed) return undefined;
    // It fell behind, and has caught up with what was on its way.
    if (this.#waiting.length === 0 && this.#subscription === undefined) this.#follow();
    const next = this.#waiting.shift();
    if (next?.type === 'rules' && !next.more) this.#batches--;
    return next;
  }
}
