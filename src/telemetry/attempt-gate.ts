import type { Attempt, Outcome } from '../call/index.js';
import { events } from './events.js';
import { type ClusterMeter, EndpointMeter } from './meter.js';

/**
 * Fills the slot `attempt-telemetry`: counts attempts for their cluster and endpoint. It stands inside balance, so that
 * each attempt it sees has an endpoint; what is refused before is told by {@link refused}. An endpoint gets its counters
 * with its first attempt: of 20,000, those that are never called cost nothing.
 */
export class AttemptTelemetryGate {
  constructor(private readonly cluster: ClusterMeter) {}

  before(attempt: Attempt): undefined {
    this.cluster.started();
    const { target } = attempt;
    if (target !== undefined) target.meter ??= this.cluster.endpoint(target.address);
  }

  settled(attempt: Attempt, outcome: Outcome): void {
    this.cluster.settled(outcome, attempt.tookUs, attempt.number);
    const meter = attempt.target?.meter;
    if (meter instanceof EndpointMeter) meter.settled(outcome);
    if (events.attemptEnd.hasSubscribers) events.attemptEnd.publish({ attempt, outcome });
  }

  /** An earlier stage refused the attempt. @param role - of that stage */
  refused(role: string): void {
    this.cluster.refused(role);
  }
}
