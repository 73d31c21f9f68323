import { finalize, type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { Failure } from '../../call/index.js';
import { inThisScope } from '../operator-support.js';
import { ConcurrencySlots, type SlotLimits } from './concurrency-slots.js';

/** How many at once, and how many may wait. */
export interface ConcurrencyOptions {
  /** Subscriptions at once. */
  readonly maxActive: number;
  /** How many more may wait, first come, first served. @defaultValue 0 */
  readonly maxWaiting?: number;
  /** Pass the same to several pipelines that share one limit. @defaultValue slots of its own */
  readonly slots?: ConcurrencySlots;
}

/**
 * Subscribes to no more than `maxActive` at once. Others wait, and what is over `maxWaiting` fails with `OVERFLOW`. A
 * slot is free again once the source is torn down, also by unsubscribing.
 */
export function concurrency<T>(options: ConcurrencyOptions): MonoTypeOperatorFunction<T> {
  const { slots = new ConcurrencySlots(), maxActive, maxWaiting = 0 } = options;
  const limits: SlotLimits = { maxActive, maxWaiting };
  return (source) => {
    const inSlot = source.pipe(finalize(() => slots.free()));
    return new Observable((subscriber) => {
      if (slots.take(limits)) return inSlot.subscribe(subscriber);
      const go = inThisScope(() => inSlot.subscribe(subscriber));
      let waits = true;
      const waiter = slots.wait(limits, {
        resume() {
          waits = false;
          go();
        },
      });
      if (waiter === undefined) {
        const reason = `${slots.active} under way and ${slots.waiting} waiting, as many as the limits allow`;
        subscriber.error(new Failure('OVERFLOW', { role: 'concurrency', reason }));
        return undefined;
      }
      return () => {
        if (waits) slots.leave(waiter);
      };
    });
  };
}
