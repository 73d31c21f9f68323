/**
 * Decides on another attempt: may this one be repeated (`retryable.ts`), are attempts left, does the pause fit before the
 * deadline, are fewer retries of the cluster under way than its limit, and does the cluster's budget allow one. The
 * budget comes last, since it is paid by asking.
 *
 * A rejected or unsent attempt pays too: it was no work for the upstream, but an overloaded one is not asked again
 * without bound. The other endpoint that a failed connect goes to within its attempt is no retry and costs nothing.
 */
import type { Attempt, Outcome, Pass } from '../../call/index.js';
import { effectiveLimits, type RetryRule } from '../../rules/index.js';
import type { Runtime } from '../../runtime/index.js';
import { Share } from '../share.js';
import type { RetryPolicy, StageBinder } from '../stage.js';
import { fullJitter } from './backoff.js';
import { RetryBudget } from './retry-budget.js';
import { mayRetry } from './retryable.js';

const NO_RETRY = -1;

/** Retries of a cluster that were let through and have not ended. */
class RetriesUnderWay {
  count = 0;
}

class RetryGate implements RetryPolicy {
  private readonly idempotent: (operation: string) => boolean;

  constructor(
    private readonly rule: RetryRule,
    private readonly runtime: Runtime,
    private readonly budget: RetryBudget,
    private readonly underWay: RetriesUnderWay,
    private readonly maxUnderWay: number,
  ) {
    this.idempotent = operations(rule.idempotent);
  }

  deposit(pass: Pass): void {
    this.budget.deposit(pass.call.startedAt);
  }

  again(pass: Pass, attempt: Attempt, outcome: Outcome): number {
    const { rule, runtime, underWay } = this;
    if (attempt.number > rule.attempts || !mayRetry(attempt, outcome, this.idempotent)) return NO_RETRY;
    const now = runtime.now();
    const pauseMs = fullJitter(rule.backoffBaseMs, rule.backoffMaxMs, attempt.number, runtime.random());
    if (now + pauseMs >= pass.call.deadlineAt) return NO_RETRY;
    if (underWay.count >= this.maxUnderWay || !this.budget.withdraw(now)) return NO_RETRY;
    underWay.count++;
    return pauseMs;
  }

  ended(_pass: Pass): void {
    this.underWay.count--;
  }
}

/** By the operation's whole name (`DemoService/sayHello`) or its method part (`sayHello`). */
function operations(idempotent: RetryRule['idempotent']): (operation: string) => boolean {
  if (idempotent === true) return () => true;
  const names = new Set(idempotent);
  return (operation) => names.has(operation) || names.has(operation.slice(operation.lastIndexOf('/') + 1));
}

export const retryStage: StageBinder<RetryPolicy> = {
  role: 'retry',
  why: 'makes another attempt where that cannot run an operation twice, within the budget of the cluster',
  bind({ direction, cluster, policy, runtime, state, share = Share.whole }) {
    const rule = policy.retry;
    if (direction === 'inbound' || rule === undefined || rule.attempts <= 0) return undefined;
    const budget = state.get(`cluster/${cluster.name}/retry-budget`, rule.budget, () => {
      const { minPerSecond } = rule.budget;
      return new RetryBudget({ ...rule.budget, minPerSecond: share.rate(minPerSecond) }, runtime.now());
    });
    const underWay = state.get(`cluster/${cluster.name}/retries`, null, () => new RetriesUnderWay());
    return new RetryGate(rule, runtime, budget, underWay, share.underWay(effectiveLimits(cluster, policy).maxRetries));
  },
};
