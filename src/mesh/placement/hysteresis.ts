/**
 * When a placement follows the facts: at once, but for the way back from a fall-back to in-process. What has just failed
 * may fail again, and each switch costs a start with cold connections; so a fall-back lasts `lastsMs` at least, and ends
 * when nothing has spoken for it for `healthyMs` on end. Away from in-process there is no waiting: calls would fail.
 *
 * So between two switches to a sidecar there are at least `lastsMs`. Placements that are no fall-back (the first seconds,
 * what configuration and detection say) end with their reason.
 */
import type { Decided } from './decide.js';
import { REASONS } from './reasons.js';

/** How long a fall-back lasts at least, in ms. */
export const LASTS_MS = 60_000;
/** For how long on end in-process must be able to serve before it does again, in ms. */
export const HEALTHY_MS = 30_000;

export interface HysteresisLimits {
  readonly lastsMs: number;
  readonly healthyMs: number;
}

/** The placement of one destination. Holds no timer: ask again at {@link dueAt}. */
export class PlacementState {
  /** In `now()`; of the placement, whatever its reasons were since. */
  since: number;
  /** When the same facts would come to another placement. Infinity: never. */
  dueAt = Number.POSITIVE_INFINITY;
  private healthySince: number | undefined = undefined;

  constructor(
    public decided: Decided,
    now: number,
  ) {
    this.since = now;
  }

  /** @returns whether the placement is another than before */
  follow(wanted: Decided, now: number, { lastsMs, healthyMs }: HysteresisLimits): boolean {
    const { placement, reason } = this.decided;
    this.dueAt = Number.POSITIVE_INFINITY;
    if (placement === 'sidecar' && REASONS[reason].fallBack && wanted.placement === 'in-process') {
      this.healthySince ??= now;
      const returnsAt = Math.max(this.since + lastsMs, this.healthySince + healthyMs);
      if (now < returnsAt) {
        this.dueAt = returnsAt;
        return false;
      }
    }
    this.healthySince = undefined;
    this.decided = wanted;
    if (wanted.placement === placement) return false;
    this.since = now;
    return true;
  }
}
