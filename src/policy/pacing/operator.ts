import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { Failure } from '../../call/index.js';
import type { PacingEngine } from '../engines.js';
import { inThisScope } from '../operator-support.js';

/**
 * Subscribes when it is its turn, or fails with `PACING_OVERFLOW` where too many wait. Who unsubscribes while waiting
 * leaves the queue. The engine is the caller's to close, which forgets who waits.
 */
export function pace<T>(engine: PacingEngine): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      const go = inThisScope(() => source.subscribe(subscriber));
      const leave = engine.enter(go);
      if (leave !== null) return leave;
      const reason = `${engine.queued} wait already, as many as the rule allows`;
      subscriber.error(new Failure('PACING_OVERFLOW', { role: 'pacing', reason }));
      return undefined;
    });
}
