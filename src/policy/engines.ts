import type { CircuitBreakerRule, PacingRule } from '../rules/index.js';

export type { HashEngine, RegexEngine } from '../rules/index.js';

/** Ports of the engines that `adapters/engines` implements over libraries. */

/** `half-open`: one probe may pass. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** One admitted attempt. Opaque to the stage; remembers the breaker's epoch, so that a stale outcome moves nothing. */
export interface Permit {
  readonly probe: boolean;
}

/** One circuit: asked before each attempt, told how each ended. */
export interface BreakerEngine {
  /** Undefined: the circuit is open. */
  admit(): Permit | undefined;
  /**
   * Exactly once for each permit. `ignored`: it says nothing about the upstream (cancelled, refused locally, stall).
   * @param now - in `runtime.now()`, which the runner has read already. @defaultValue it reads its own clock
   */
  settle(permit: Permit, result: 'ok' | 'failed' | 'ignored', now?: number): void;
  readonly state: BreakerState;
  /** While open: how long until a probe may pass, in ms. Undefined in other states. */
  readonly probeInMs: number | undefined;
  /** Nobody uses it any more. Attempts that are still under way may settle yet, to no effect. */
  close(): void;
}

/**
 * Makes circuits.
 * @param onChange - told each new state; must not throw
 */
export interface BreakerEngineFactory {
  create(rule: CircuitBreakerRule, onChange?: (state: BreakerState) => void): BreakerEngine;
}

/** Lets waiting calls through at a steady rate, in order. */
export interface PacingEngine {
  /**
   * @param go - called once, later or now, unless the returned function was called first; must not throw.
   * @returns takes the place back, to no effect once `go` was called. Null: the queue is full.
   */
  enter(go: () => void): (() => void) | null;
  /** How many wait. */
  readonly queued: number;
  /** Nobody uses it any more. Who waits yet is forgotten. */
  close(): void;
}

/** Makes queues of a steady rate. */
export interface PacingEngineFactory {
  /** @throws RangeError for a rate that the engine cannot keep, naming what it can. */
  create(rule: PacingRule): PacingEngine;
}
