import type { Attempt, Outcome } from '../call/index.js';
import type { Gate, Verdict } from '../policy/stage.js';
import type { Cluster } from './cluster.js';

/**
 * Fills the slot `outlier`: tells the cluster what became of each attempt. It stands outside the attempt timeout, so that
 * it learns of timeouts as such, and inside balance, so that attempts without a connection are not seen here: failed
 * connects are learnt of where another endpoint is picked.
 */
export class OutlierGate implements Gate<Attempt> {
  constructor(private readonly cluster: Cluster) {}

  before(_attempt: Attempt): Verdict {
    return undefined;
  }

  settled(attempt: Attempt, outcome: Outcome): void {
    this.cluster.observe(attempt, outcome);
  }
}
