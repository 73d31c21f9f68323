import { defer, type MonoTypeOperatorFunction, retry as resubscribe, tap, throwError } from 'rxjs';
import { Failure } from '../../call/index.js';
import { systemRuntime } from '../../runtime/index.js';
import { after, type RuntimeOption } from '../operator-support.js';
import { fullJitter } from './backoff.js';
import type { RetryBudget } from './retry-budget.js';

export interface RetryOptions extends RuntimeOption {
  /** Retries after the first subscription. @defaultValue 2 */
  readonly attempts?: number;
  /** Upper bound of the first pause; it doubles with each. @defaultValue 25 */
  readonly backoffBaseMs?: number;
  /** @defaultValue 250 */
  readonly backoffMaxMs?: number;
  /**
   * May the work be done twice? Then any error may be retried, except Failures that say `never`; otherwise only
   * Failures that say that nothing was sent. @defaultValue false
   */
  readonly idempotent?: boolean;
  /** Decides instead of `idempotent`. */
  readonly when?: (error: unknown) => boolean;
  /** Shared by all pipelines to one upstream; each subscription deposits, each retry withdraws. @defaultValue none */
  readonly budget?: RetryBudget;
}

/**
 * Subscribes again after an error, with exponential back-off and full jitter. Never once a value was passed on: the
 * subscriber would see values twice.
 */
export function retry<T>(options: RetryOptions = {}): MonoTypeOperatorFunction<T> {
  const { attempts = 2, backoffBaseMs = 25, backoffMaxMs = 250, idempotent = false, budget } = options;
  const { runtime = systemRuntime(), when = (error: unknown) => mayRun(error, idempotent) } = options;
  return (source) =>
    defer(() => {
      budget?.deposit(runtime.now());
      let emitted = false;
      return source.pipe(
        tap(() => {
          emitted = true;
        }),
        resubscribe({
          delay: (error, count) => {
            const again =
              !emitted && count <= attempts && when(error) && (budget === undefined || budget.withdraw(runtime.now()));
            if (!again) return throwError(() => error);
            return after(fullJitter(backoffBaseMs, backoffMaxMs, count, runtime.random()), runtime);
          },
        }),
      );
    });
}

function mayRun(error: unknown, idempotent: boolean): boolean {
  if (!(error instanceof Failure)) return idempotent;
  const { retry } = error.traits;
  return retry !== 'never' && (error.sent === 'no' || (idempotent && retry === 'idempotent'));
}
