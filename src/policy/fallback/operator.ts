import { catchError, defer, type ObservableInput, type OperatorFunction, tap, throwError } from 'rxjs';
import type { FailureCode } from '../../call/index.js';
import { failedWith } from '../operator-support.js';
import { DEFAULT_FALLBACK_CODES } from './fallback-stage.js';

/** When {@link fallback} steps in. */
export interface FallbackOptions {
  /**
   * Which errors it answers.
   * @defaultValue Failures by timeouts, open circuits, missing endpoints and overflow
   */
  readonly on?: readonly FailureCode[] | ((error: unknown) => boolean);
}

/**
 * Goes on with something else after an error. Not once a value was passed on: half of one answer and half of another is
 * none.
 *
 * @param other - subscribed to instead; if it throws, that is the error
 */
export function fallback<T, R = T>(
  other: (error: unknown) => ObservableInput<R>,
  options: FallbackOptions = {},
): OperatorFunction<T, T | R> {
  const { on = DEFAULT_FALLBACK_CODES } = options;
  const answers = typeof on === 'function' ? on : failedWith(on);
  return (source) =>
    defer(() => {
      let emitted = false;
      return source.pipe(
        tap(() => {
          emitted = true;
        }),
        catchError((error) => (!emitted && answers(error) ? other(error) : throwError(() => error))),
      );
    });
}
