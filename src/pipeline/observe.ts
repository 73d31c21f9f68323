import { Attempt, Failure, type Outcome, type Pass } from '../call/index.js';
import type { Gate, Verdict } from '../policy/index.js';

/**
 * `mode: observe`: a stage decides as ever, and its decision is written down (`pass.observed`) but not enforced. A stage
 * that makes others wait keeps them in its queue, so that it sees the load that it would have, while they go on.
 */
export class ObservedGate<T extends Pass | Attempt> implements Gate<T> {
  /** Those it would have refused: it must not be told how they ended. */
  private readonly refused = new WeakSet<T>();

  constructor(
    private readonly inner: Gate<T>,
    private readonly role: string,
  ) {}

  before(target: T): Verdict {
    const verdict = this.inner.before(target);
    if (verdict instanceof Failure) {
      this.refused.add(target);
      const pass: Pass = target instanceof Attempt ? target.pass : target;
      pass.observed ??= [];
      pass.observed.push(`${this.role}: ${verdict.message}`);
    }
    return undefined;
  }

  settled(target: T, outcome: Outcome): void {
    if (!this.refused.has(target)) this.inner.settled(target, outcome);
  }
}

export function observed<T extends Pass | Attempt>(gate: Gate<T> | null, role: string): Gate<T> | null {
  return gate === null ? null : new ObservedGate(gate, role);
}
