import type { SourceStatus } from '../../rules/index.js';

/**
 * Which sources have been out of contact for longer than `maxStaleMs`, by the monotonic clock. What an earlier process
 * stored counts from when this one read it.
 */
export class Staleness {
  /** In `now()`. */
  private readonly since = new Map<string, number>();

  constructor(private readonly maxStaleMs: number) {}

  told({ name, state }: SourceStatus, now: number): void {
    if (state === 'live' || state === 'connecting') this.since.delete(name);
    else if (!this.since.has(name)) this.since.set(name, now);
  }

  stale(source: string, now: number): boolean {
    const since = this.since.get(source);
    return since !== undefined && now - since >= this.maxStaleMs;
  }

  /** When the next source becomes stale. Infinity: none will. */
  dueAt(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const since of this.since.values()) {
      const at = since + this.maxStaleMs;
      if (at > now) next = Math.min(next, at);
    }
    return next;
  }
}
