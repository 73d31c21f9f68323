/**
 * Counts over the last while: a ring of equal parts with a running total, cleared lazily as time goes on, so that a
 * window which nobody asks costs nothing. Retry budgets and circuit breakers stand on it.
 *
 * The part that is filling counts in full and the oldest is dropped as a whole: a sum covers between
 * `spanMs - spanMs / parts` and `spanMs`. A clock that goes back adds to the newest part.
 */
export class RingWindow {
  readonly #partMs: number;
  readonly #parts: number;
  readonly #series: number;
  /** Part by part, each with a count for each series; the totals of each series behind them. */
  readonly #counts: Float64Array;
  readonly #totals: number;
  #newest = Number.NEGATIVE_INFINITY;

  /**
   * @param spanMs - how far it looks back
   * @param parts - more are more precise and cost 8 bytes each, for each series
   * @param series - how many things are counted side by side, such as calls and failures
   */
  constructor(spanMs: number, parts = 10, series = 1) {
    if (!(spanMs > 0 && parts >= 1 && series >= 1)) {
      throw new RangeError(`a window of ${spanMs} ms in ${parts} parts and ${series} series: each must be above 0`);
    }
    this.#partMs = spanMs / parts;
    this.#parts = parts;
    this.#series = series;
    this.#totals = parts * series;
    this.#counts = new Float64Array(this.#totals + series);
  }

  /** @param now - in `runtime.now()` */
  add(now: number, series = 0, count = 1): void {
    this.#turn(now);
    this.#counts[this.#start(this.#newest) + series]! += count;
    this.#counts[this.#totals + series]! += count;
  }

  sum(now: number, series = 0): number {
    this.#turn(now);
    return this.#counts[this.#totals + series]!;
  }

  clear(): void {
    this.#counts.fill(0);
  }

  #start(part: number): number {
    return (part % this.#parts) * this.#series;
  }

  #turn(now: number): void {
    const part = Math.floor(now / this.#partMs);
    if (part <= this.#newest) return;
    if (part - this.#newest >= this.#parts) this.#counts.fill(0);
    else for (let stale = this.#newest + 1; stale <= part; stale++) this.#drop(this.#start(stale));
    this.#newest = part;
  }

  #drop(start: number): void {
    for (let series = 0; series < this.#series; series++) {
      this.#counts[this.#totals + series]! -= this.#counts[start + series]!;
      this.#counts[start + series] = 0;
    }
  }
}
