import { defer, type MonoTypeOperatorFunction, throwError } from 'rxjs';
import { Failure } from '../../call/index.js';
import type { TokenBucketRule } from '../../rules/index.js';
import { systemRuntime } from '../../runtime/index.js';
import type { RuntimeOption } from '../operator-support.js';
import { TokenBucket } from './token-bucket.js';

/**
 * Takes a token for each subscription, or fails it with `RATE_LIMITED`. All that is built with what one call of this
 * returns shares a bucket; to share it wider, pass a {@link TokenBucket}.
 *
 * @throws RangeError for numbers that make no bucket
 */
export function rateLimit<T>(
  limit: TokenBucketRule | TokenBucket,
  options: RuntimeOption = {},
): MonoTypeOperatorFunction<T> {
  const { runtime = systemRuntime() } = options;
  const bucket = limit instanceof TokenBucket ? limit : new TokenBucket(limit, runtime.now());
  return (source) =>
    defer(() =>
      bucket.take(runtime.now()) ? source : throwError(() => new Failure('RATE_LIMITED', { role: 'rate-limit' })),
    );
}
