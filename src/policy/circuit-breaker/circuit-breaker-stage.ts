/**
 * Asks the breaker of the cluster before each attempt and tells it how the attempt ended. The breaker itself is an engine
 * behind a port: when it opens and when it probes is its affair, what counts as a failure is ours. One breaker serves all
 * routes to the cluster that are under the same rule.
 */
import type { Attempt, Failure, Outcome } from '../../call/index.js';
import type { BreakerEngine, BreakerState, Permit } from '../engines.js';
import type { Gate, StageBinder } from '../stage.js';
import type { KeyedStateStore } from '../state-store.js';
import { breakerResult } from './breaker-result.js';
import { circuitOpen } from './circuit-open.js';

class BreakerGate implements Gate<Attempt> {
  constructor(
    private readonly engine: BreakerEngine,
    private readonly cluster: string,
  ) {}

  before(attempt: Attempt): Failure | undefined {
    attempt.permit = this.engine.admit();
    return attempt.permit === undefined ? circuitOpen(this.engine, this.cluster) : undefined;
  }

  settled(attempt: Attempt, outcome: Outcome): void {
    this.engine.settle(attempt.permit as Permit, breakerResult(outcome), attempt.pass.call.now);
    attempt.permit = undefined;
  }
}

const breakerKey = (cluster: string) => `cluster/${cluster}/circuit-breaker`;

/** State of a cluster's circuit, for status; undefined: no plan in use has a breaker for it. */
export function circuitOf(cluster: string, state: KeyedStateStore): BreakerState | undefined {
  return state.find<BreakerEngine>(breakerKey(cluster))?.state;
}

export const circuitBreakerStage: StageBinder<Gate<Attempt>> = {
  role: 'circuit-breaker',
  why: 'stops calling a cluster of which too many calls fail, and probes whether it is well again',
  bind({ direction, cluster, engines, onBreaker, policy: { circuitBreaker: rule }, state }) {
    if (direction === 'inbound' || rule === undefined) return undefined;
    const { breaker } = engines;
    if (breaker === undefined) {
      throw new Error(`${cluster.name} has a circuitBreaker policy, which needs an engine: pass engines.breaker`);
    }
    // The engine outlives this plan: what it is given must hold on to nothing of it.
    const { name } = cluster;
    const engine = state.get(breakerKey(name), rule, () =>
      breaker.create(rule, (changed) => onBreaker?.(name, changed)),
    );
    return new BreakerGate(engine, name);
  },
};
