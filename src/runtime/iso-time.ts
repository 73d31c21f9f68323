/** A moment of `wallNow()` as `2024-01-01T00:00:00.000Z`; what is no date, or beyond the year 275760, as the epoch. */
export function isoTime(unixMs: number): string {
  return new Date(Math.abs(unixMs) <= 8.64e15 ? unixMs : 0).toISOString();
}
