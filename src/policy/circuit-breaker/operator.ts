import { defer, type MonoTypeOperatorFunction, tap, throwError } from 'rxjs';
import { Failure, Reply } from '../../call/index.js';
import type { BreakerEngine } from '../engines.js';
import { breakerResult } from './breaker-result.js';
import { circuitOpen } from './circuit-open.js';

export interface CircuitBreakerOptions {
  /** Named in refusals. @defaultValue 'the upstream' */
  readonly name?: string;
  /**
   * What an error tells the breaker.
   * @defaultValue of a Failure what docs/failures.md says, of anything else `failed`
   */
  readonly resultOf?: (error: unknown) => 'ok' | 'failed' | 'ignored';
}

/**
 * Asks the breaker at each subscription, or fails it with `CIRCUIT_OPEN`, and tells the breaker how it ended. Who
 * unsubscribes after a value has had an answer; before one, it says nothing about the upstream. Pass the same engine to
 * all pipelines to one upstream; it is the caller's to close.
 */
export function circuitBreaker<T>(
  engine: BreakerEngine,
  options: CircuitBreakerOptions = {},
): MonoTypeOperatorFunction<T> {
  const { name = 'the upstream', resultOf = resultOfError } = options;
  return (source) =>
    defer(() => {
      const permit = engine.admit();
      if (permit === undefined) return throwError(() => circuitOpen(engine, name));
      let answered: 'ok' | 'failed' | 'ignored' | undefined;
      return source.pipe(
        tap({
          next(value) {
            answered = value instanceof Reply ? breakerResult(value) : 'ok';
          },
          // An empty Observable is an answer too.
          complete: () => engine.settle(permit, answered ?? 'ok'),
          error: (error) => engine.settle(permit, resultOf(error)),
          unsubscribe: () => engine.settle(permit, answered ?? 'ignored'),
        }),
      );
    });
}

function resultOfError(error: unknown): 'ok' | 'failed' | 'ignored' {
  return error instanceof Failure ? breakerResult(error) : 'failed';
}
