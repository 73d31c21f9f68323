import { isDeepStrictEqual } from 'node:util';
import type { LoadedConfig } from '../../node/config.js';

/** What a running mesh takes over: sources are followed anew by {@link Sources}. */
const LIVE: ReadonlySet<string> = new Set(['listeners', 'shutdown', 'rules', 'watch', 'metards', 'directory']);

/** @throws the signal's reason, if that comes first */
export async function unlessGivenUp<T>(giveUp: AbortSignal, work: Promise<T>): Promise<T> {
  let stop = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    stop = () => reject(giveUp.reason);
    if (giveUp.aborted) stop();
    else giveUp.addEventListener('abort', stop);
  });
  try {
    // What the work fails with later is heard, and nobody's.
    return await Promise.race([givenUp, work]);
  } finally {
    giveUp.removeEventListener('abort', stop);
  }
}

/** Keys of a configuration in which it differs from another, and which make another mesh. */
export function changedParts(before: LoadedConfig, after: LoadedConfig): readonly string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof LoadedConfig>;
  return [...keys].filter((key) => !LIVE.has(key) && !isDeepStrictEqual(before[key], after[key]));
}
