import { Observable } from 'rxjs';
import type { RuleChange, RuleSource, SourceContext } from '../../../../src/rules/index.js';
import { idOf, keyOf } from '../known-rules.js';
import type { FromWorker, SourceDescription, ToWorker } from './messages.js';

type Rules = Extract<ToWorker, { type: 'rules' }>;

/** What this end of a channel can do. */
export interface Channel {
  send(message: FromWorker): void;
  /** @returns ends that */
  listen(listener: (message: ToWorker) => void): () => void;
}

let watches = 0;

/** A source that the primary follows, as a mesh in a worker sees it. */
export function workerSource({ name, precedence, local }: SourceDescription, channel: Channel): RuleSource {
  return {
    name,
    precedence,
    ...(local && { local }),
    watch: (context?: SourceContext) =>
      new Observable((subscriber) => {
        const watch = watches++;
        const assembly = new Assembly();
        const end = channel.listen((message) => {
          if (message.type === 'failed' && message.watch === watch) subscriber.error(new Error(message.error));
          if (message.type !== 'rules' || message.watch !== watch) return;
          const batch = assembly.take(message);
          if (batch !== undefined) subscriber.next(batch);
        });
        let told = false;
        const using = context?.inUse.subscribe((inUse) => {
          channel.send(told ? { type: 'in-use', watch, inUse } : { type: 'watch', watch, source: name, inUse });
          told = true;
        });
        if (!told) channel.send({ type: 'watch', watch, source: name, inUse: new Set() });
        told = true;
        return () => {
          using?.unsubscribe();
          end();
          channel.send({ type: 'unwatch', watch });
        };
      }),
  };
}

/** Batches out of pieces. */
class Assembly {
  #pieces: RuleChange[] = [];
  #reset = false;
  /** What the mesh has of the source. */
  readonly #known = new Map<
    string,
    { readonly kind: Extract<RuleChange, { type: 'remove' }>['kind']; readonly key: string }
  >();

  /** @returns undefined while there are more */
  take({ changes, reset, more }: Rules): readonly RuleChange[] | undefined {
    if (reset) {
      // Of a batch that was given up the rest does not come.
      this.#pieces = [];
      this.#reset = true;
    }
    for (const change of changes) this.#pieces.push(change);
    if (more) return undefined;
    const batch = this.#pieces;
    this.#pieces = [];
    const gone = this.#reset ? new Map(this.#known) : undefined;
    this.#reset = false;
    for (const change of batch) {
      if (change.type === 'upsert') {
        const key = keyOf(change);
        const id = idOf(change.kind, key);
        gone?.delete(id);
        this.#known.set(id, { kind: change.kind, key });
      } else if (change.type === 'remove') this.#known.delete(idOf(change.kind, change.key));
    }
    if (gone === undefined || gone.size === 0) return batch;
    for (const id of gone.keys()) this.#known.delete(id);
    return [...[...gone.values()].map((it) => ({ type: 'remove', ...it }) as const), ...batch];
  }
}
