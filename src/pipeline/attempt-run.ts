import { Attempt, type Connection, Failure, NO_DEADLINE, type Outcome, Reply, WRITTEN } from '../call/index.js';
import type { Message, ReplyStatus } from '../message/index.js';
import { attemptMutation, type Gate, WAIT } from '../policy/index.js';
import type { RoutedPass } from './pass-run.js';
import type { RoutePlan } from './plan.js';
import { settle } from './settle.js';

/**
 * The runner of attempts: through the attempt slots of the plan from left to right, onto a connection, and back through
 * `settled` in reverse, exactly once, whatever ends it. One shared piece of code for all plans; see `plan.ts` for why.
 */

const BREAKER = 1;
const CONCURRENCY = 2;
const BALANCE = 4;
const OUTLIER = 8;
const TELEMETRY = 16;
const TIMEOUT = 32;

/** What `resume` finds while a stage's `before` is still on the stack. */
const NOT_RESUMED = Symbol('not resumed');

export class RoutedAttempt extends Attempt {
  private readonly plan: RoutePlan;
  private readonly owner: RoutedPass;
  /** The slot that is being entered, or waits. */
  private slot = 0;
  private waiting = false;
  private entering = false;
  private early: Failure | undefined | typeof NOT_RESUMED = NOT_RESUMED;
  settled = false;

  constructor(pass: RoutedPass, number: number, previous: Attempt | undefined) {
    super(pass, number, previous);
    this.owner = pass;
    this.plan = pass.plan;
  }

  get remainingMs(): number {
    const deadlineAt = this.pass.call.deadlineAt;
    return deadlineAt === NO_DEADLINE ? deadlineAt : Math.max(0, deadlineAt - this.plan.runtime.now());
  }

  start(now: number): void {
    this.startedAt = now;
    this.go(BREAKER);
  }

  resume(refusal?: Failure): void {
    if (this.settled) return;
    if (this.entering) {
      this.early = refusal;
      return;
    }
    if (!this.waiting) return;
    this.waiting = false;
    if (refusal === undefined) {
      this.go(this.slot << 1);
      return;
    }
    this.passed &= ~this.slot; // who refuses is not settled
    this.refuse(refusal);
  }

  connected(connection: Connection): void {
    if (this.settled) return;
    this.connection = connection;
    this.resume();
  }

  refused(failure: Failure): void {
    if (this.settled) return;
    if (this.entering) {
      this.early = failure;
      return;
    }
    this.waiting = false;
    this.repick(failure);
  }

  written(): void {
    if (this.pass.call.oneway) this.finish(WRITTEN);
  }

  replied(message: Message): void {
    if (this.settled) return;
    this.sent = 'yes';
    this.finish(new Reply(message, this.classify(message)));
  }

  lost(failure: Failure): void {
    this.finish(failure);
  }

  end(outcome: Outcome): void {
    if (this.settled) return;
    if (this.dispatched) this.connection!.abandon(this, outcome);
    this.finish(outcome);
  }

  private classify(message: Message): ReplyStatus {
    const protocol = this.protocol;
    if (protocol.classify !== undefined) return protocol.classify(message);
    return message.kind === 'error' ? 'framework' : 'ok';
  }

  private go(slot: number): void {
    const plan = this.plan;
    try {
      if (slot <= BREAKER && plan.breaker !== null && !this.enter(plan.breaker, BREAKER)) return;
      if (slot <= CONCURRENCY && plan.concurrency !== null && !this.enter(plan.concurrency, CONCURRENCY)) return;
      if (slot <= BALANCE && !this.balance()) return;
      if (slot <= OUTLIER && plan.outlier !== null && !this.enter(plan.outlier, OUTLIER)) return;
      if (slot <= TELEMETRY && plan.attemptTelemetry !== null && !this.enter(plan.attemptTelemetry, TELEMETRY)) return;
      if (slot <= TIMEOUT && plan.attemptTimeout !== null && !this.enter(plan.attemptTimeout, TIMEOUT)) return;
      this.dispatch();
    } catch (thrown) {
      this.end(Failure.from(thrown, `attempt slot ${this.slot}`));
    }
  }

  private enter(gate: Gate<Attempt>, slot: number): boolean {
    this.slot = slot;
    this.entering = true;
    const verdict = gate.before(this);
    this.entering = false;
    if (verdict !== undefined && verdict !== WAIT) {
      this.refuse(verdict);
      return false;
    }
    if (this.settled) {
      // Ended from outside while the stage looked at it.
      settle(gate, this, this.outcome!);
      return false;
    }
    if (verdict === WAIT) {
      if (this.early === NOT_RESUMED) {
        this.passed |= slot;
        this.waiting = true;
        return false;
      }
      const early = this.early;
      this.early = NOT_RESUMED;
      if (early !== undefined) {
        this.refuse(early);
        return false;
      }
    }
    this.passed |= slot;
    return true;
  }

  /** Its own way in: a connect that fails is answered by another endpoint, within the same attempt. */
  private balance(): boolean {
    const gate = this.plan.balance;
    this.slot = BALANCE;
    this.entering = true;
    let verdict = gate.before(this);
    for (;;) {
      if (verdict === undefined) break;
      if (verdict !== WAIT) {
        this.entering = false;
        this.refuse(verdict);
        return false;
      }
      if (this.early === NOT_RESUMED) {
        this.entering = false;
        this.waiting = this.hasPlace();
        return false;
      }
      const early = this.early;
      this.early = NOT_RESUMED;
      if (early === undefined) break;
      verdict = gate.repick(this, early);
    }
    this.entering = false;
    return this.hasPlace();
  }

  /** Balance has let it through; false if it was ended from outside meanwhile, in which case balance is settled here. */
  private hasPlace(): boolean {
    if (this.settled) {
      settle(this.plan.balance, this, this.outcome!);
      return false;
    }
    this.passed |= BALANCE;
    return true;
  }

  private repick(failure: Failure): void {
    const gate = this.plan.balance;
    this.passed &= ~BALANCE;
    this.entering = true;
    try {
      let verdict = gate.repick(this, failure);
      while (verdict === WAIT && this.early !== NOT_RESUMED) {
        const early: Failure | undefined = this.early as Failure | undefined;
        this.early = NOT_RESUMED;
        verdict = early === undefined ? undefined : gate.repick(this, early);
      }
      this.entering = false;
      if (verdict !== undefined && verdict !== WAIT) {
        this.refuse(verdict);
        return;
      }
      if (!this.hasPlace()) return;
      if (verdict === WAIT) this.waiting = true;
      else this.go(OUTLIER);
    } catch (thrown) {
      this.entering = false;
      this.end(Failure.from(thrown, 'balance'));
    }
  }

  private dispatch(): void {
    this.mutation = attemptMutation(this, this.plan.requestMutation);
    this.dispatched = true;
    this.connection!.send(this);
  }

  private refuse(failure: Failure): void {
    const role = failure.role ?? SLOT_ROLES[this.slot]!;
    this.refusedBy = role;
    this.plan.attemptTelemetry?.refused(role);
    this.finish(failure);
  }

  private finish(outcome: Outcome): void {
    if (this.settled) return;
    this.settled = true;
    this.outcome = outcome;
    const { plan, passed } = this;
    this.settledAt = plan.runtime.now();
    if ((passed & TIMEOUT) !== 0) settle(plan.attemptTimeout!, this, outcome);
    if ((passed & TELEMETRY) !== 0) settle(plan.attemptTelemetry!, this, outcome);
    if ((passed & OUTLIER) !== 0) settle(plan.outlier!, this, outcome);
    if ((passed & BALANCE) !== 0) settle(plan.balance, this, outcome);
    if ((passed & CONCURRENCY) !== 0) settle(plan.concurrency!, this, outcome);
    if ((passed & BREAKER) !== 0) settle(plan.breaker!, this, outcome);
    this.owner.attemptEnded(this, outcome);
  }
}

const SLOT_ROLES: Record<number, string> = {
  [BREAKER]: 'circuit-breaker',
  [CONCURRENCY]: 'concurrency',
  [BALANCE]: 'balance',
  [OUTLIER]: 'outlier',
  [TELEMETRY]: 'attempt-telemetry',
  [TIMEOUT]: 'attempt-timeout',
};
