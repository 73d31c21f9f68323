/**
 * Exponential back-off with full jitter: a wait drawn evenly from 0 to `base · 2^(n−1)`, at most `max`. Of the known
 * schemes it spreads a crowd of failed callers best (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
 *
 * @param retry - which one, from 1
 * @param chance - in [0, 1)
 */
export function fullJitter(baseMs: number, maxMs: number, retry: number, chance: number): number {
  return chance * Math.min(maxMs, baseMs * 2 ** (retry - 1));
}
