/**
 * Retries as a share of live traffic, so that they cannot multiply an outage. Finagle's RetryBudget: each call deposits,
 * each retry withdraws, both are forgotten after `ttlMs`; besides there is a reserve, of which even an idle client may
 * make `minPerSecond` retries a second. Finagle's defaults: 20 %, 10/s, 10 s.
 *
 * Time is cut into ten windows that are forgotten as wholes, so an entry lives between 9 and 10 tenths of the ttl.
 * Whole numbers, in hundredths of a retry where `percent` is whole: the sum never drifts. A withdrawal may outlive the
 * deposit it was paid from; until it is forgotten too, it is paid from the reserve.
 *
 * A moment before the newest one seen counts as that one, so callers may pass the start of a call instead of reading the
 * clock.
 */
const WINDOWS = 10;
/** What a retry costs; a call deposits `percent`. */
const RETRY_COST = 100;

/** How many retries are left, shared by all calls to one upstream. */
export class RetryBudget {
  private readonly windows = new Float64Array(WINDOWS);
  private readonly windowMs: number;
  private readonly reserve: number;
  private readonly percent: number;
  private newest: number;
  private sum = 0;

  /** @throws RangeError for a ttl that is not above 0, or a negative share or floor. */
  constructor(rule: { readonly percent: number; readonly minPerSecond: number; readonly ttlMs: number }, now: number) {
    const { percent, minPerSecond, ttlMs } = rule;
    if (!(ttlMs > 0 && percent >= 0 && minPerSecond >= 0)) {
      throw new RangeError(
        `retry budget: ttlMs must be above 0, percent and minPerSecond at least 0: ${JSON.stringify(rule)}`,
      );
    }
    this.windowMs = ttlMs / WINDOWS;
    this.reserve = minPerSecond * (ttlMs / 1000) * RETRY_COST;
    this.percent = percent;
    this.newest = Math.floor(now / this.windowMs);
  }

  /** A call was made. */
  deposit(now: number): void {
    this.add(now, this.percent);
  }

  /** @returns true if a retry may be made; it has been paid for then. */
  withdraw(now: number): boolean {
    this.forget(now);
    if (this.sum + this.reserve < RETRY_COST) return false;
    this.add(now, -RETRY_COST);
    return true;
  }

  /** How many retries could be made now. */
  available(now: number): number {
    this.forget(now);
    return Math.max(0, Math.floor((this.sum + this.reserve) / RETRY_COST));
  }

  private add(now: number, amount: number): void {
    this.forget(now);
    this.windows[this.newest % WINDOWS]! += amount;
    this.sum += amount;
  }

  private forget(now: number): void {
    const window = Math.floor(now / this.windowMs);
    if (window <= this.newest) return;
    const first = Math.max(this.newest + 1, window - WINDOWS + 1);
    for (let at = first; at <= window; at++) {
      this.sum -= this.windows[at % WINDOWS]!;
      this.windows[at % WINDOWS] = 0;
    }
    this.newest = window;
  }
}
