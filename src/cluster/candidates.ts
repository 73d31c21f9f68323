import type { Attempt, AttemptTarget } from '../call/index.js';
import type { Endpoint } from './endpoint.js';

/**
 * Which endpoints an attempt may go to, as balancers ask it. Each cluster has one, pointed at an attempt for the time of a
 * pick, so that filtering allocates nothing.
 *
 * Never: endpoints that left the rules, and those whose peer said that it takes no new calls; also in panic, since that is
 * a statement and not a guess. Ejected ones only in panic. And none that the call has tried: first all earlier attempts
 * and all failed connects are left out. If that leaves nothing, a retry may go where an earlier attempt went (a cluster
 * of one endpoint could never be retried otherwise), but still not where this very attempt failed to connect.
 */
export class Candidates {
  /** Too few endpoints are healthy, so ejections are ignored. */
  panic = false;
  #attempt: Attempt | undefined = undefined;
  /** Neither earlier attempts nor failed connects: nearly every call. */
  #untried = true;
  #again = false;

  /** @param again - where earlier attempts went is allowed. */
  pointAt(attempt: Attempt, again: boolean): this {
    this.#attempt = attempt;
    this.#again = again;
    this.#untried = attempt.unreachable === undefined && (again || attempt.previous === undefined);
    return this;
  }

  /** Lets go of the attempt. */
  clear(): void {
    this.#attempt = undefined;
  }

  allows(endpoint: Endpoint): boolean {
    return (
      !endpoint.draining &&
      (endpoint.ejectedUntil === 0 || this.panic) &&
      !endpoint.peer.draining &&
      (this.#untried || !this.#tried(endpoint))
    );
  }

  #tried(endpoint: Endpoint): boolean {
    const attempt = this.#attempt!;
    if (attempt.unreachable?.includes(endpoint)) return true;
    return !this.#again && triedBefore(attempt, endpoint);
  }
}

/** Did an earlier attempt of the pass go to the target, or fail to connect to it? */
export function triedBefore(attempt: Attempt, target: AttemptTarget): boolean {
  for (let a = attempt.previous; a !== undefined; a = a.previous) {
    if (a.target === target || a.unreachable?.includes(target)) return true;
  }
  return false;
}
