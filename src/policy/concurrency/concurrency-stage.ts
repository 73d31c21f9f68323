/**
 * A cluster's `maxRequests`, and `maxPendingRequests` that may wait for a slot. It stands before an endpoint is chosen, so
 * that no choice ages in a queue. Counts belong to the cluster and outlive every push of rules; the limits are those in
 * force, also for who waits already. Envoy honours neither of the two for anything but HTTP.
 */
import { type Attempt, Failure, type Outcome } from '../../call/index.js';
import { effectiveLimits } from '../../rules/index.js';
import { routeKey } from '../scope-keys.js';
import { Share } from '../share.js';
import { type Gate, type StageBinder, type Verdict, WAIT } from '../stage.js';
import { ConcurrencySlots, type SlotLimits, type Waiter } from './concurrency-slots.js';

/** Envoy's default for `max_pending_requests`: where nobody sets one, the queue must have an end all the same. */
const DEFAULT_MAX_WAITING = 1024;

class ConcurrencyGate implements Gate<Attempt> {
  constructor(
    private readonly slots: ConcurrencySlots,
    private readonly limits: SlotLimits,
    private readonly cluster: string,
  ) {}

  before(attempt: Attempt): Verdict {
    const { slots, limits } = this;
    if (slots.take(limits)) return undefined;
    attempt.place = slots.wait(limits, new Entry(attempt));
    return attempt.place === undefined ? this.overflow() : WAIT;
  }

  settled(attempt: Attempt, _outcome: Outcome): void {
    const waiter = attempt.place as Waiter | undefined;
    if (waiter === undefined) {
      this.slots.free();
      return;
    }
    attempt.place = undefined;
    this.slots.leave(waiter);
  }

  private overflow(): Failure {
    const { active, waiting } = this.slots;
    const reason = `${this.cluster} has ${active} requests under way and ${waiting} waiting, as many as its limits allow`;
    return new Failure('OVERFLOW', { role: 'concurrency', reason });
  }
}

class Entry {
  constructor(private readonly attempt: Attempt) {}

  resume(): void {
    this.attempt.place = undefined;
    this.attempt.resume();
  }
}

export const concurrencyStage: StageBinder<Gate<Attempt>> = {
  role: 'concurrency',
  why: 'holds the number of requests under way to a cluster below its limit; some more may wait',
  bind({ sharing, service, route, cluster, policy, state, share = Share.whole }) {
    const { maxConnections, maxRequests, maxPendingRequests } = effectiveLimits(cluster, policy);
    // A connection that takes one call at a time: as many calls as connections, of all endpoints together.
    const maxActive = sharing === 'exclusive' ? Math.min(maxRequests, maxConnections) : maxRequests;
    if (maxActive === Number.POSITIVE_INFINITY) return undefined;
    const slots = state.get(`cluster/${cluster.name}/slots`, null, () => new ConcurrencySlots());
    const key = `cluster/${cluster.name}/slot-limits/${service.key}/${routeKey(route)}`;
    const limits = state.get<SlotLimits>(key, null, () => ({ maxActive: 0, maxWaiting: 0 }));
    limits.maxActive = share.underWay(maxActive);
    limits.maxWaiting =
      maxPendingRequests === Number.POSITIVE_INFINITY ? DEFAULT_MAX_WAITING : share.of(maxPendingRequests);
    return new ConcurrencyGate(slots, limits, cluster.name);
  },
};
