import { defer, from, type MonoTypeOperatorFunction, type ObservableInput } from 'rxjs';
import { systemRuntime } from '../../runtime/index.js';
import type { RuntimeOption } from '../operator-support.js';

export interface MirrorOptions extends RuntimeOption {
  /** The share of subscriptions that are mirrored, of a million. @defaultValue 1,000,000, all */
  readonly perMillion?: number;
}

/**
 * Starts a copy of the work as well and drops whatever comes of it, errors included. The copy does not end with the
 * subscription: give it a {@link timeout} of its own. Place it outside {@link retry}, or each attempt is mirrored.
 */
export function mirror<T>(
  copy: () => ObservableInput<unknown>,
  options: MirrorOptions = {},
): MonoTypeOperatorFunction<T> {
  const { perMillion = 1_000_000, runtime = systemRuntime() } = options;
  return (source) =>
    defer(() => {
      if (perMillion >= 1_000_000 || runtime.random() * 1_000_000 < perMillion) {
        defer(() => from(copy())).subscribe({ error: drop });
      }
      return source;
    });
}

function drop(): void {}
