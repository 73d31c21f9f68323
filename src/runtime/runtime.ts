/**
 * Time and chance, as everything above takes them: nothing else in `src` reads a clock, sets a timer or draws a random
 * number, so that a test which holds the {@link Runtime} holds the whole mesh.
 */
export interface Runtime {
  /** Milliseconds since an arbitrary origin, with fractions; never goes back. */
  now(): number;
  /** Milliseconds since the Unix epoch. For logs and records only: it may jump. */
  wallNow(): number;
  /** A number in [0, 1). */
  random(): number;
  readonly timers: Timers;
}

/** Timers by the thousand, most of which are cancelled: see `timer-wheel.ts`. */
export interface Timers {
  /**
   * Calls `owner.expired(timer)` once, not before `delayMs` have passed. Expiry is acted on only after one more poll
   * phase: replies that arrived while the event loop was stalled are read first, and may cancel the timer yet.
   */
  arm(delayMs: number, owner: Expirable): Timer;
}

/** An armed timer. */
export interface Timer {
  /** No effect once expired or cancelled. */
  cancel(): void;
  /** When it falls due, in the runtime's `now()`. */
  readonly dueAt: number;
  /** How late the event loop was when it expired, in ms; 0 before. */
  readonly lateMs: number;
}

/** Something that waits for a {@link Timer}. One object may own several and tells them apart by identity. */
export interface Expirable {
  expired(timer: Timer): void;
}
