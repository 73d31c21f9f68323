import type { Attempt, Failure, Outcome, Pass, Reply } from '../call/index.js';
import type { ClusterRule, PolicyRule, RouteRule, RuleEngines, ServiceRule } from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';
import type { BreakerEngineFactory, PacingEngineFactory } from './engines.js';
import type { StateStore } from './state-store.js';

/**
 * The contract of stages, which is what the mesh is made of. A plan is a record with a slot per role; `bind` fills the
 * slot when rules change and is never called on the call path. All stages of a role are of one class, with variety as
 * data, so that the runner's call to it stays monomorphic.
 */

/** Roles in the order of `pipeline/roles.ts`, which has each one's reason. */
export type PassRole = 'deadline' | 'rate-limit' | 'pacing' | 'mirror';
export type AttemptRole =
  | 'circuit-breaker'
  | 'concurrency'
  | 'balance'
  | 'outlier'
  | 'attempt-telemetry'
  | 'attempt-timeout';

/** The stage will call `resume()` on its target, now or later. */
export const WAIT = Symbol('wait');
/** `undefined`: pass. A Failure: refuse; the refusing stage is not settled itself. */
export type Verdict = Failure | typeof WAIT | undefined;

/**
 * What fills a slot. `settled` runs exactly once, in reverse order of roles, for each `before` that passed or waits; it
 * must not throw, and neither must `before`.
 */
export interface Gate<T extends Pass | Attempt> {
  before(target: T): Verdict;
  settled(target: T, outcome: Outcome): void;
}

/** Fills the slot `retry`: the one place that decides whether there is another attempt. */
export interface RetryPolicy {
  /** A call passed by: the budget grows. */
  deposit(pass: Pass): void;
  /** Milliseconds to wait before another attempt; negative: none. Withdraws from the budget if not negative. */
  again(pass: Pass, attempt: Attempt, outcome: Outcome): number;
  /** A retry that was let through has ended. */
  ended(pass: Pass, attempt: Attempt): void;
}

/** Fills the slot `fallback`. */
export interface Fallback {
  /** Another answer for a failed pass: a reply, the name of a cluster to try in a new pass, or undefined to let it fail. */
  recover(pass: Pass, failure: Failure): Reply | string | undefined;
}

/** What a stage may know when it is bound. */
export interface PlanScope {
  readonly direction: 'outbound' | 'inbound';
  readonly service: ServiceRule;
  readonly route: RouteRule;
  readonly cluster: ClusterRule;
  /** Route over cluster over service, merged. */
  readonly policy: PolicyRule;
  readonly runtime: Runtime;
  readonly engines: Engines;
  readonly state: StateStore;
}

/** Engines behind ports; a rule that needs one that isn't there fails when it is loaded, by name. */
export interface Engines extends RuleEngines {
  readonly breaker?: BreakerEngineFactory;
  readonly pacing?: PacingEngineFactory;
}
