import { AsyncResource } from 'node:async_hooks';
import { Observable } from 'rxjs';
import { Failure, type FailureCode } from '../call/index.js';
import type { Runtime } from '../runtime/index.js';

/** What the operators of several policies need. The stages need none of it. */

/** Options of operators that look at the clock. */
export interface RuntimeOption {
  /** Time and chance; a `ManualRuntime` in tests. @defaultValue the system's */
  readonly runtime?: Runtime;
}

/** Emits once, `ms` after it is subscribed to, in the async context of its subscriber, and keeps the process alive till then. */
export function after(ms: number, runtime: Runtime): Observable<void> {
  return new Observable((subscriber) => {
    const go = inThisScope(() => {
      subscriber.next();
      subscriber.complete();
    });
    const timer = runtime.timers.arm(ms, { expired: go });
    timer.ref();
    return () => timer.cancel();
  });
}

/** Runs `later` in the async context of now: who waits must not go on in the context of who lets it in. */
export function inThisScope(later: () => void): () => void {
  const scope = new AsyncResource('MeltemiOperator');
  return () => scope.runInAsyncScope(later);
}

/** A Failure of one of these codes? Anything else thrown is none. */
export function failedWith(codes: readonly FailureCode[]): (error: unknown) => boolean {
  return (error) => error instanceof Failure && codes.includes(error.code);
}
