/**
 * A local limit is the pod's. Where several processes serve one pod, each takes its share of it, so that together they grant
 * no more than the rule says, and lose as little of it as can be.
 *
 * - Whole numbers are divided with the remainder going to the first, one each: 10 over 3 is 4, 3, 3.
 * - A process that does not know which one it is takes no remainder, but 1 at least of what is not 0: all of them would
 *   refuse everything else. So of a limit below their number each has 1, and a burst may exceed it; what fills bring does not.
 * - A bucket's size is divided so. What a fill brings is divided in parts of a token, and kept in them, among those whose
 *   bucket holds one at all: a fill of 1 over 2 gives each a token by every second fill, and none is lost to rounding.
 * - What bounds things under way (connections, requests, retries) is 1 at least for all of them, as with 0 a process could
 *   do nothing: a limit below the number of processes is exceeded.
 */
import type { TokenBucketRule } from '../rules/index.js';

/** Which of several processes this is, that share its limits. */
export interface WorkersOptions {
  readonly count: number;
  /** From 0. @defaultValue not known: remainders are nobody's, and a limit is 1 at least */
  readonly index?: number;
}

/** What one of several processes has of limits that they share. */
export class Share {
  /** Of the only process. */
  static readonly whole = new Share({ count: 1, index: 0 });
  readonly count: number;
  readonly #index: number | undefined;

  /** @throws RangeError - the count is no whole number above 0, or the index is not below it */
  constructor({ count, index }: WorkersOptions) {
    if (!(Number.isInteger(count) && count >= 1)) throw new RangeError(`workers: count is ${count}; at least 1`);
    if (index !== undefined && !(Number.isInteger(index) && index >= 0 && index < count)) {
      throw new RangeError(`workers: index is ${index}; from 0 to ${count - 1}`);
    }
    this.count = count;
    this.#index = index;
  }

  /** Of a whole number; infinity is not divided. */
  of(limit: number): number {
    if (this.count === 1 || limit === Number.POSITIVE_INFINITY) return limit;
    const part = Math.floor(limit / this.count);
    if (this.#index === undefined) return limit < 1 ? 0 : Math.max(1, part);
    return part + (this.#index < limit % this.count ? 1 : 0);
  }

  /** Of what bounds things under way: 1 at least, unless it is 0. */
  underWay(limit: number): number {
    return limit === 0 ? 0 : Math.max(1, this.of(limit));
  }

  /** Of what is counted by time, and may be divided as it likes. */
  rate(perSecond: number): number {
    return perSecond / this.count;
  }

  /** The bucket of this process, and in how many parts a fill is divided. */
  bucket(rule: TokenBucketRule): { readonly rule: TokenBucketRule; readonly parts: number } {
    const maxTokens = this.of(rule.maxTokens);
    const holders = this.#index === undefined ? this.count : Math.min(this.count, Math.floor(rule.maxTokens));
    return { rule: { ...rule, maxTokens }, parts: Math.max(1, holders) };
  }
}
