import type { Subscription } from 'rxjs';
import type { RuleChange, RuleSource, ServiceRule } from '../../../../src/rules/index.js';

/** What a follower makes of a source's changes. */
export interface Followed {
  /** All services, whenever something has changed. */
  publish(services: readonly ServiceRule[]): void;
  problem(message: string): void;
}

/**
 * Keeps the services that a source speaks of. Nothing is published before the source is in sync, so that nobody is served
 * the half of it.
 * @returns resolves with the first publication; rejects if that cannot be
 */
export function follow(source: RuleSource, followed: Followed, until: Subscription): Promise<void> {
  const services = new Map<string, ServiceRule>();
  return new Promise((resolve, reject) => {
    let inSync = false;
    let published = false;
    const take = (batch: readonly RuleChange[]) => {
      let changed = false;
      for (const change of batch) {
        if (change.type === 'problem') followed.problem(change.message);
        else if (change.type === 'complete') inSync = true;
        else changed = true;
        if (change.type === 'upsert' && change.kind === 'service') services.set(change.rule.key, change.rule);
        if (change.type === 'remove' && change.kind === 'service') services.delete(change.key);
      }
      if (!inSync || !(changed || batch.some(({ type }) => type === 'complete'))) return;
      try {
        followed.publish([...services.values()]);
        published = true;
        resolve();
      } catch (error) {
        fail(error);
      }
    };
    const fail = (error: unknown) => {
      if (published) followed.problem(error instanceof Error ? error.message : String(error));
      else reject(error);
    };
    until.add(source.watch().subscribe({ next: take, error: fail }));
  });
}
