import type { Attempt, Failure, Outcome } from '../call/index.js';
import { type Gate, type Verdict, WAIT } from '../policy/stage.js';
import type { Cluster } from './cluster.js';
import type { Endpoint } from './endpoint.js';

/** So many endpoints may fail to connect before an attempt fails: one call must not try a whole dead fleet. */
const MAX_UNREACHABLE = 8;

/**
 * Fills the slot `balance`: an endpoint, then a connection to it.
 *
 * Who takes an attempt off its endpoint? `Cluster.pick` puts it on the in-flight count, and exactly one of three takes it
 * off by `endpoint.release()`:
 * 1. The connection, once it was given the attempt by `send`: when the reply is read, the one-way request is written, the
 *    connection is lost, or the attempt's tombstone goes. The runner marks the hand-over by `attempt.dispatched`.
 * 2. {@link settled}, if that never happened: the attempt ended while it waited for a connection, or between getting one
 *    and being sent. The peer is then told by `withdraw`, also to take an unused connection back.
 * 3. {@link repick}, if the peer refused: the endpoint is no longer the attempt's target, so neither of the others sees it.
 */
export class BalanceGate implements Gate<Attempt> {
  constructor(private readonly cluster: Cluster) {}

  before(attempt: Attempt): Verdict {
    const endpoint = this.cluster.pick(attempt);
    return endpoint === undefined ? this.cluster.explainNone(attempt) : this.#connect(attempt, endpoint);
  }

  /**
   * The peer of the picked endpoint has no connection for the attempt. Nothing was sent, so another endpoint is tried, at
   * no cost to retry budgets; each endpoint once, and no more than {@link MAX_UNREACHABLE}. A peer may refuse within its
   * `checkout`: the runner keeps that until `before` or `repick` has returned WAIT, and then calls this.
   * @returns as `before`; the given failure if no other endpoint is to be tried.
   */
  repick(attempt: Attempt, failure: Failure): Verdict {
    const refused = attempt.target as Endpoint;
    attempt.target = undefined;
    this.cluster.failedConnect(refused, attempt, failure);
    if (attempt.unreachable!.length >= MAX_UNREACHABLE) return failure;
    const endpoint = this.cluster.pick(attempt);
    return endpoint === undefined ? failure : this.#connect(attempt, endpoint);
  }

  settled(attempt: Attempt, _outcome: Outcome): void {
    const endpoint = attempt.target as Endpoint | undefined;
    if (endpoint === undefined || attempt.dispatched) return;
    endpoint.peer.withdraw(attempt);
    endpoint.release();
  }

  #connect(attempt: Attempt, endpoint: Endpoint): Verdict {
    // Before the checkout: it may refuse at once, and so ask for another pick before it returns.
    attempt.target = endpoint;
    const connection = endpoint.peer.checkout(attempt);
    if (connection === undefined) return WAIT;
    attempt.connection = connection;
    return undefined;
  }
}
