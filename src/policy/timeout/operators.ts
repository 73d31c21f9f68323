import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { Failure } from '../../call/index.js';
import { type Runtime, systemRuntime, type Timer } from '../../runtime/index.js';
import { inThisScope, type RuntimeOption } from '../operator-support.js';

/**
 * Fails with `DEADLINE` what has not completed within `ms` of its subscription, and unsubscribes from it. Outside a
 * {@link retry} it bounds all attempts together, and is never retried.
 */
export function timeout<T>(ms: number, options: RuntimeOption = {}): MonoTypeOperatorFunction<T> {
  return expiring(ms, 'DEADLINE', options.runtime ?? systemRuntime());
}

/** As {@link timeout}, for inside a {@link retry}: it fails with `ATTEMPT_TIMEOUT`, which is retried if idempotent. */
export function attemptTimeout<T>(ms: number, options: RuntimeOption = {}): MonoTypeOperatorFunction<T> {
  return expiring(ms, 'ATTEMPT_TIMEOUT', options.runtime ?? systemRuntime());
}

function expiring<T>(ms: number, code: 'DEADLINE' | 'ATTEMPT_TIMEOUT', runtime: Runtime): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      let lateMs = 0;
      const fail = inThisScope(() => {
        // Whatever was subscribed to may have begun: nobody here knows better.
        subscriber.error(
          new Failure(code, {
            reason: `not complete within ${ms} ms`,
            sent: 'maybe',
            role: 'timeout',
            stallMs: lateMs,
          }),
        );
      });
      const timer = runtime.timers.arm(ms, {
        expired(expired: Timer) {
          lateMs = expired.lateMs;
          fail();
        },
      });
      timer.ref();
      subscriber.add(() => timer.cancel());
      source.subscribe(subscriber);
    });
}
