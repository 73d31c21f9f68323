/** Counts where destinations are placed, and how often that changed. Its keys are few and fixed. */
export class PlacementMeter {
  /** Destinations that are so placed now. */
  readonly now = new Map<string, number>();
  readonly switches = new Map<string, PlacementSwitches>();

  /** @param from - undefined: its first placement, which is no switch */
  placed(from: string | undefined, to: string, reason: string): void {
    this.now.set(to, (this.now.get(to) ?? 0) + 1);
    if (from === undefined) return;
    // One that was forgotten may still be in use by an old connection.
    this.now.set(from, Math.max(0, (this.now.get(from) ?? 0) - 1));
    const key = `${from} ${to} ${reason}`;
    const known = this.switches.get(key);
    if (known === undefined) this.switches.set(key, { from, to, reason, count: 1 });
    else known.count++;
  }

  /** All destinations are forgotten; what was counted stays. */
  clear(): void {
    this.now.clear();
  }
}

interface PlacementSwitches {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  count: number;
}
