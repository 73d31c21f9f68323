import type { Subscription } from 'rxjs';
import type { RuleSource, SourceContext } from './source.js';
import type { RuleStore } from './store.js';

/**
 * Feeds a source into the store until unsubscribed; what it said stays. A source that errors is marked as failed, one
 * that completes has simply no more to say.
 */
export function watchSource(store: RuleStore, source: RuleSource, context?: SourceContext): Subscription {
  store.register(source);
  return source.watch(context).subscribe({
    next: (batch) => void store.apply(source, batch),
    error: (error: unknown) => store.fail(source, error instanceof Error ? error.message : String(error)),
  });
}
