import { type Attempt, type Call, Failure, type Outcome, Pass, Reply } from '../call/index.js';
import { type Verdict, WAIT, withMutation } from '../policy/index.js';
import type { Timer } from '../runtime/index.js';
import { RoutedAttempt } from './attempt-run.js';
import type { InnerOwner, Running } from './interceptors.js';
import { ENTERING, type Phase, RUNNING, WAITING } from './phase.js';
import type { PassOwner, RoutePlan } from './plan.js';
import { onStageThrow } from './settle.js';
import { alreadyBegun } from './stream-run.js';

/**
 * The runner of passes: through the route slots of the plan, one attempt after another as the retry policy allows, and
 * back. Where routed interceptors stand, the pass ends at them: each subscription to their `next` is a pass of its own
 * through the rest (`inner`), and this one waits for what the chain makes of it.
 */

const DEADLINE = 1;
const RATE_LIMIT = 2;
const PACING = 4;
const INTERCEPTORS = 8;
const MIRROR = 16;
const RETRY = 32;
/** No stage: the pass is one inside the routed interceptors. */
const INNER = 64;

export class RoutedPass extends Pass {
  private slot = 0;
  /** The phase; or, where a stage whose `before` was on the stack called `resume`, what it said. */
  private phase: Phase | Failure | undefined = RUNNING;
  private backoff: Timer | undefined = undefined;
  /** What runs in its stead: the chain of routed interceptors, or a pass to another cluster. */
  private instead: Running | undefined = undefined;

  constructor(
    call: Call,
    readonly plan: RoutePlan,
    private readonly owner: PassOwner,
  ) {
    super(call);
  }

  get settled(): boolean {
    return this.outcome !== undefined;
  }

  get route(): string {
    return this.plan.route.name;
  }

  get cluster(): string {
    return this.plan.cluster.name;
  }

  /** By `call.now`, as of now. */
  start(): void {
    this.go(DEADLINE);
  }

  /** Only what stands inside the routed interceptors. */
  startInner(): void {
    this.passed = INNER;
    this.call.now = this.plan.runtime.now();
    this.go(MIRROR);
  }

  resume(refusal?: Failure): void {
    if (this.settled) return;
    if (this.phase === ENTERING) {
      this.phase = refusal;
      return;
    }
    if (this.phase !== WAITING) return;
    this.phase = RUNNING;
    this.call.now = this.plan.runtime.now();
    if (refusal === undefined) {
      this.go(this.slot << 1);
      return;
    }
    this.passed &= ~this.slot; // who refuses is not settled
    this.refuse(refusal);
  }

  end(outcome: Outcome): void {
    if (this.settled) {
      this.instead?.end(outcome);
      return;
    }
    this.call.now = this.plan.runtime.now();
    this.finish(outcome);
  }

  attemptEnded(attempt: RoutedAttempt, outcome: Outcome): void {
    const retry = this.plan.retry;
    if (retry === null) {
      this.finish(outcome);
      return;
    }
    try {
      const stream = this.call.stream;
      if (attempt.number > 1 && stream?.answered !== true) retry.ended(this);
      if (this.settled) return;
      const delayMs = stream?.committed === true ? -1 : retry.again(this, attempt, outcome);
      if (delayMs < 0) this.finish(outcome);
      else if (delayMs === 0) this.attemptOnce();
      else this.waitFor(delayMs);
    } catch (thrown) {
      this.finish(Failure.from(thrown, 'retry'));
    }
  }

  override expired(timer: Timer): void {
    if (timer !== this.backoff) {
      this.plan.deadline?.expired?.(this, timer);
      return;
    }
    this.backoff = undefined;
    if (this.settled) return;
    this.call.now = this.plan.runtime.now();
    this.attemptOnce();
  }

  /** Its caller waits, perhaps with nothing else open: the process must not end meanwhile. */
  private waitFor(delayMs: number): void {
    this.backoff = this.plan.runtime.timers.arm(delayMs, this);
    this.backoff.ref();
  }

  /** Of a stream: its opening has an answer. */
  answered(attempt: Attempt): void {
    this.timer?.cancel();
    this.timer = undefined;
    if (attempt.pass === this && attempt.number > 1) this.plan.retry?.ended(this);
    if ((this.passed & INNER) !== 0) (this.owner as InnerOwner).outer.answered(attempt);
  }

  /** What the chain of routed interceptors came to. */
  chainEnded(outcome: Outcome): void {
    this.instead = undefined;
    this.call.now = this.plan.runtime.now();
    this.finish(outcome);
  }

  private go(slot: number): void {
    const plan = this.plan;
    try {
      if (slot <= DEADLINE && plan.deadline !== null) {
        this.entering(DEADLINE);
        if (!this.entered(plan.deadline.before(this))) return;
      }
      if (slot <= RATE_LIMIT && plan.rateLimit !== null) {
        this.entering(RATE_LIMIT);
        if (!this.entered(plan.rateLimit.before(this))) return;
      }
      if (slot <= PACING && plan.pacing !== null) {
        this.entering(PACING);
        if (!this.entered(plan.pacing.before(this))) return;
      }
      if (slot <= INTERCEPTORS && plan.interceptors !== null) {
        this.slot = INTERCEPTORS;
        const chain = plan.interceptors.run(this);
        if (this.settled) chain.end(this.outcome!);
        else this.instead = chain;
        return;
      }
      if (slot <= MIRROR && plan.mirror !== null) {
        this.entering(MIRROR);
        if (!this.entered(plan.mirror.before(this))) return;
      }
      this.slot = RETRY;
      if (plan.retry !== null) plan.retry.deposit(this);
      this.attemptOnce();
    } catch (thrown) {
      this.finish(Failure.from(thrown, SLOT_ROLES[this.slot] ?? 'pass'));
    }
  }

  private attemptOnce(): void {
    if (this.call.stream?.committed === true) {
      this.finish(alreadyBegun());
      return;
    }
    const attempt = new RoutedAttempt(this, this.attempts + 1, this.attempt as RoutedAttempt | undefined);
    this.attempt = attempt;
    if ((this.passed & INNER) !== 0) (this.owner as InnerOwner).outer.attempt = attempt;
    attempt.start();
  }

  private entering(slot: number): void {
    this.slot = slot;
    this.phase = ENTERING;
  }

  /** What the stage said that is being entered; false: the pass does not go on now. */
  private entered(verdict: Verdict): boolean {
    const { slot } = this;
    const heard = this.phase as Phase | Failure | undefined;
    this.phase = RUNNING;
    if (verdict !== undefined && verdict !== WAIT) {
      this.refuse(verdict);
      return false;
    }
    if (this.settled) {
      this.passed |= slot;
      if (slot === DEADLINE) this.settleDeadline(this.outcome!);
      else this.settleStages(this.outcome!);
      return false;
    }
    if (verdict === WAIT) {
      if (heard === ENTERING) {
        this.passed |= slot;
        this.phase = WAITING;
        return false;
      }
      if (heard instanceof Failure) {
        this.refuse(heard);
        return false;
      }
    }
    this.passed |= slot;
    return true;
  }

  private refuse(failure: Failure): void {
    this.refusedBy = failure.role ?? SLOT_ROLES[this.slot];
    this.finish(failure);
  }

  private finish(outcome: Outcome): void {
    if (this.settled) return;
    this.outcome = outcome;
    if (this.backoff !== undefined) {
      this.backoff.cancel();
      this.backoff = undefined;
      this.plan.retry!.ended(this);
    }
    this.instead?.end(outcome);
    // An attempt of a pass within is that pass's to end.
    for (let attempt = this.attempt; attempt?.pass === this; attempt = attempt.previous) attempt.end(outcome);
    this.settleStages(outcome);
    const { plan } = this;
    if ((this.passed & INNER) !== 0) this.owner.passEnded(this, outcome);
    else if (outcome instanceof Failure) {
      if (plan.fallback === null || this.call.stream?.committed === true || !this.fallBack(outcome))
        this.leave(outcome);
    } else this.leave(withMutation(outcome, plan.chainMutation));
  }

  private leave(outcome: Outcome): void {
    this.settleDeadline(outcome);
    this.owner.passEnded(this, outcome);
  }

  /** Those that let it through, in reverse; the deadline comes last, see below. One that throws is told of. */
  private settleStages(outcome: Outcome): void {
    try {
      if (this.leaves(MIRROR)) this.plan.mirror!.settled(this, outcome);
      if (this.leaves(PACING)) this.plan.pacing!.settled(this, outcome);
      if (this.leaves(RATE_LIMIT)) this.plan.rateLimit!.settled(this, outcome);
    } catch (thrown) {
      onStageThrow(thrown);
      this.settleStages(outcome);
    }
  }

  private settleDeadline(outcome: Outcome): void {
    try {
      if (this.leaves(DEADLINE)) this.plan.deadline!.settled(this, outcome);
    } catch (thrown) {
      onStageThrow(thrown);
    }
  }

  /** Was it let through by that stage, and not settled with it yet? */
  private leaves(slot: number): boolean {
    if ((this.passed & slot) === 0) return false;
    this.passed &= ~slot;
    return true;
  }

  /** True if something else answers now. */
  private fallBack(failure: Failure): boolean {
    let answer: Reply | string | undefined;
    try {
      answer = this.plan.fallback!.recover(this, failure);
    } catch (thrown) {
      this.leave(Failure.from(thrown, 'fallback'));
      return true;
    }
    if (answer === undefined) return false;
    if (answer instanceof Reply) {
      this.leave(answer);
      return true;
    }
    if (this.call.deadlineAt <= this.call.now) return false;
    const plan = this.plan.fallbackPlan(answer);
    if (plan instanceof Failure) return false;
    this.settleDeadline(failure);
    const pass = new RoutedPass(this.call, plan, this.owner);
    pass.hash = this.hash;
    this.instead = pass;
    this.call.pass = pass;
    pass.start();
    return true;
  }
}

const SLOT_ROLES: Record<number, string> = {
  [DEADLINE]: 'deadline',
  [RATE_LIMIT]: 'rate-limit',
  [PACING]: 'pacing',
  [INTERCEPTORS]: 'interceptors-routed',
  [MIRROR]: 'mirror',
  [RETRY]: 'retry',
};
