import type { Attempt, Call, Failure, Outcome, Pass, Reply } from '../call/index.js';
import type { Sharing } from '../message/index.js';
import type { AttributeMatch, ClusterRule, PolicyRule, RouteRule, RuleEngines, ServiceRule } from '../rules/index.js';
import type { Runtime, Timer } from '../runtime/index.js';
import type { BreakerEngineFactory, BreakerState, PacingEngineFactory } from './engines.js';
import type { Share } from './share.js';
import type { StateStore } from './state-store.js';

/**
 * The contract of stages, which is what the mesh is made of. A plan is a record with a slot per role; `bind` fills the
 * slot when rules change and is never called on the call path. All stages of a role are of one class, with variety as
 * data, so that the runner's call to it stays monomorphic.
 */

/** Roles in the order of `pipeline/roles.ts`, which has each one's reason. */
export type PassRole = 'deadline' | 'rate-limit' | 'pacing' | 'mirror';
/** Roles that each attempt passes, in the same order. */
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
  /** A timer fell due that the stage armed with the target as its owner, and keeps in `target.timer`. */
  expired?(target: T, timer: Timer): void;
}

/** Fills the slot `retry`: the one place that decides whether there is another attempt. */
export interface RetryPolicy {
  /** A call passed by: the budget grows. */
  deposit(pass: Pass): void;
  /** Milliseconds to wait before another attempt; negative: none. Withdraws from the budget if not negative. */
  again(pass: Pass, attempt: Attempt, outcome: Outcome): number;
  /**
   * Exactly once for each {@link again} that was not negative: when the attempt that it let through has ended, or when
   * the pass has ended during the wait. Not for first attempts.
   */
  ended(pass: Pass): void;
}

/** Fills the slot `fallback`. */
export interface Fallback {
  /** Another answer for a failed pass: a reply, the name of a cluster to try in a new pass, or undefined to let it fail. */
  recover(pass: Pass, failure: Failure): Reply | string | undefined;
}

/** What a stage may know when it is bound. */
export interface PlanScope {
  readonly direction: 'outbound' | 'inbound';
  /** May calls share a connection? */
  readonly sharing: Sharing;
  readonly service: ServiceRule;
  readonly route: RouteRule;
  readonly cluster: ClusterRule;
  /** Route over cluster over service, merged. */
  readonly policy: PolicyRule;
  readonly runtime: Runtime;
  readonly engines: Engines;
  readonly state: StateStore;
  /** Conditions as the route table compiles them: do all of them hold for the call? For the conditions of limits. */
  compile(match: readonly AttributeMatch[]): (call: Call) => boolean;
  /** Sends the call's request to another cluster as well, whose reply is dropped. Must not throw. */
  mirror(call: Call, cluster: string): void;
  /** Of this process, of limits that several have together. @defaultValue the whole */
  readonly share?: Share;
  /** Told when the circuit breaker of a cluster changes its state. For telemetry; must not throw. */
  readonly onBreaker?: (cluster: string, state: BreakerState) => void;
}

/**
 * How a policy comes into a plan. One per role; `bind` makes the slot's filling out of the rules in force, and keeps in
 * `scope.state` what must outlive the plan.
 */
export interface StageBinder<S> {
  readonly role: PassRole | AttemptRole | 'retry' | 'fallback';
  /** What the stage is for, in a sentence, for people who read a plan. */
  readonly why: string;
  /**
   * Undefined: the plan has no such stage, and its slot stays null.
   * @throws Error naming the rule, if it needs an engine that isn't there or has numbers that make no sense.
   */
  bind(scope: PlanScope): S | undefined;
}

/** Engines behind ports; a rule that needs one that isn't there fails when it is loaded, by name. */
export interface Engines extends RuleEngines {
  readonly breaker?: BreakerEngineFactory;
  readonly pacing?: PacingEngineFactory;
}

/** Each an engine, or what loads it: called once, when the first rule asks for it, which waits until it is here. */
export type EngineOptions = {
  readonly [Name in keyof Engines]: Engines[Name] | (() => Promise<NonNullable<Engines[Name]>>);
};
