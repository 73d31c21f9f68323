import { isDeepStrictEqual } from 'node:util';
import type { LoadedConfig } from '../../node/config.js';

/** What a running mesh takes over: sources are followed anew by {@link Sources}. */
const LIVE: ReadonlySet<string> = new Set(['listeners', 'shutdown', 'rules', 'watch', 'metards', 'directory']);

/** @throws the signal's reason, if that comes first */
export async function unlessGivenUp<T>(giveUp: AbortSignal, work: Promise<T>): Promise<T> {
  giveUp.throwIfAborted();
  let stop = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    stop = () => reject(giveUp.reason);
    giveUp.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([work, givenUp]);
  } finally {
    giveUp.removeEventListener('abort', stop);
  }
}

/** Keys of a configuration in which it differs from another, and which make another mesh. */
export function changedParts(before: LoadedConfig, after: LoadedConfig): readonly string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof LoadedConfig>;
  return [...keys].filter((key) => !LIVE.has(key) && !isDeepStrictEqual(before[key], after[key]));
}
