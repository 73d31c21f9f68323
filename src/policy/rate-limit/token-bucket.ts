import type { TokenBucketRule } from '../../rules/index.js';

/**
 * Envoy's token bucket: starts full, gains `tokensPerFill` at each whole `fillIntervalMs` since it was made, up to
 * `maxTokens`. Envoy's MetaProtocol fills on a timer of the smallest interval of all buckets, which rounds longer ones
 * up and loses fills that a busy thread was late for; here fills are counted from the clock when a token is asked for,
 * so there is no timer and none is lost.
 *
 * Fills are numbered from the bucket's own origin, and only the number is kept: no sum of fractions drifts. A moment
 * before the newest one seen fills nothing, so callers may pass the start of a call first (see `rate-limit-stage.ts`).
 *
 * Of several processes that share a limit each has its share of the tokens, and of a fill a part: tokens are counted in
 * such parts, so that nothing is rounded (see `share.ts`).
 */
export class TokenBucket {
  /** In parts. */
  private tokens: number;
  private fills = 0;

  /**
   * @param parts - of a fill, one of which is this bucket's
   * @throws RangeError for numbers that make no bucket.
   */
  constructor(
    private readonly rule: TokenBucketRule,
    private readonly origin: number,
    private readonly parts = 1,
  ) {
    const { maxTokens, tokensPerFill, fillIntervalMs } = rule;
    if (!(maxTokens >= 0 && tokensPerFill >= 0 && fillIntervalMs > 0 && fillIntervalMs < Number.POSITIVE_INFINITY)) {
      throw new RangeError(
        `token bucket: maxTokens and tokensPerFill must be at least 0, fillIntervalMs above 0: ${JSON.stringify(rule)}`,
      );
    }
    this.tokens = maxTokens * parts;
  }

  /** Takes a token. @returns false if there is none. */
  take(now: number): boolean {
    this.fill(now);
    if (this.tokens < this.parts) return false;
    this.tokens -= this.parts;
    return true;
  }

  /** How many whole tokens there are. */
  available(now: number): number {
    this.fill(now);
    return Math.floor(this.tokens / this.parts);
  }

  private fill(now: number): void {
    const { maxTokens, tokensPerFill, fillIntervalMs } = this.rule;
    const fills = Math.floor((now - this.origin) / fillIntervalMs);
    if (fills <= this.fills) return;
    this.tokens = Math.min(maxTokens * this.parts, this.tokens + (fills - this.fills) * tokensPerFill);
    this.fills = fills;
  }
}
