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
   *
   * An armed timer does not keep the process alive; see {@link Timer.ref}.
   */
  arm(delayMs: number, owner: Expirable): Timer;
  /** {@link arm} for who knows the moment, in the runtime's `now()`: it saves reading the clock again. */
  armAt(dueAt: number, owner: Expirable): Timer;
}

/** An armed timer. */
export interface Timer {
  /** No effect once expired or cancelled. */
  cancel(): void;
  /**
   * Keeps the process alive until the timer expires or is cancelled. For what a caller waits for while perhaps nothing
   * else is open, such as a call's deadline or a retry's back-off; not for heartbeats and sweeps, which would keep a
   * finished program from ending. No effect once expired or cancelled.
   */
  ref(): void;
  /** When it falls due, in the runtime's `now()`. */
  readonly dueAt: number;
  /**
   * How late the event loop was when it expired, in ms, from 20 ms on: for the `stallMs` of a Failure.
   * 0 before, and if it was less late than that, which is everyday jitter.
   */
  readonly lateMs: number;
}

/** Something that waits for a {@link Timer}. One object may own several and tells them apart by identity. */
export interface Expirable {
  /** Must not throw: what it throws becomes an uncaught exception. */
  expired(timer: Timer): void;
}

/** From this lateness on, in ms, an expiry counts as a stall of our own event loop, and upstreams are not blamed. */
export const STALL_FROM_MS = 20;
