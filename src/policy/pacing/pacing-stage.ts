/**
 * Makes calls wait instead of refusing them: one goes each `1000 / ratePerSecond` ms, in order. For low-rate routes; a
 * rate limit costs nothing and fits any rate. The queue has an end, and a call whose turn cannot come before its
 * deadline does not enter it: it would only keep its place from another.
 */
import { Failure, type Outcome, type Pass } from '../../call/index.js';
import type { Runtime } from '../../runtime/index.js';
import type { PacingEngine } from '../engines.js';
import { statedBy } from '../scope-keys.js';
import { Share } from '../share.js';
import { type Gate, type StageBinder, type Verdict, WAIT } from '../stage.js';

class PacingGate implements Gate<Pass> {
  /** How to take back what waits. */
  private readonly waiting = new Map<Pass, () => void>();

  constructor(
    private readonly engine: PacingEngine,
    private readonly ratePerSecond: number,
    private readonly runtime: Runtime,
  ) {}

  before(pass: Pass): Verdict {
    const { engine } = this;
    // The head of the queue may go any moment, and each after it a turn later.
    const waitMs = (engine.queued * 1000) / this.ratePerSecond;
    if (this.runtime.now() + waitMs >= pass.call.deadlineAt) {
      return this.refusal(`its turn comes in ${Math.round(waitMs)} ms at the earliest, after its deadline`);
    }
    let entering = true;
    let went = false;
    const leave = engine.enter(() => {
      if (entering) went = true;
      else this.letIn(pass);
    });
    entering = false;
    if (leave === null) return this.refusal(`${engine.queued} wait already, as many as the rule allows`);
    if (went) return undefined;
    this.waiting.set(pass, leave);
    return WAIT;
  }

  settled(pass: Pass, _outcome: Outcome): void {
    this.waiting.get(pass)?.();
    this.waiting.delete(pass);
  }

  private letIn(pass: Pass): void {
    this.waiting.delete(pass);
    pass.resume();
  }

  private refusal(why: string): Failure {
    const reason = `at ${this.ratePerSecond} requests a second, ${why}`;
    return new Failure('PACING_OVERFLOW', { role: 'pacing', reason });
  }
}

export const pacingStage: StageBinder<Gate<Pass>> = {
  role: 'pacing',
  why: 'lets calls wait for their turn, so that they go at a steady rate',
  bind(scope) {
    const { direction, service, engines, policy, runtime, state, share = Share.whole } = scope;
    const { pacing: whole } = policy;
    if (direction === 'inbound' || whole === undefined) return undefined;
    const rule = { ratePerSecond: share.rate(whole.ratePerSecond), maxQueued: share.underWay(whole.maxQueued) };
    const { pacing } = engines;
    if (pacing === undefined) {
      throw new Error(`${service.key} has a pacing policy, which needs an engine: pass engines.pacing`);
    }
    const engine = state.get(statedBy(scope, 'pacing'), rule, () => pacing.create(rule));
    return new PacingGate(engine, rule.ratePerSecond, runtime);
  },
};
