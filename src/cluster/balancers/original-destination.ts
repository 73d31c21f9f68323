import type { Attempt } from '../../call/index.js';
import type { Balancer } from '../balancer.js';
import type { Candidates } from '../candidates.js';
import type { Endpoint } from '../endpoint.js';

/**
 * The caller's own choice (Envoy's `ORIGINAL_DST`): headless services and ServiceEntries with `resolution: NONE`, whose
 * clients balance themselves, `PASSTHROUGH`, and protocols whose addresses are identities, such as brokers of a cluster.
 *
 * - An endpoint's address leads to that endpoint and to no other, at every attempt: a retry elsewhere would answer for
 *   somebody else. Only a failed connect, or its peer's own word that it takes no more, leaves the attempt without one.
 * - Any other address, such as the service's name, says nothing of which endpoint: they are balanced over.
 * - A cluster without endpoints goes wherever it is told; see {@link Members.at}.
 *
 * Nobody is ejected: calls that only one endpoint can serve are not better refused here.
 */
export class OriginalDestination implements Balancer {
  readonly #byAddress = new Map<string, Endpoint>();

  /**
   * @param others - balances calls that name none of the endpoints
   * @param at - an endpoint for an address that no rule names
   */
  constructor(
    endpoints: readonly Endpoint[],
    private readonly others: Balancer,
    private readonly at: (host: string, port: number) => Endpoint | undefined,
  ) {
    for (const endpoint of endpoints) this.#byAddress.set(`${endpoint.rule.address} ${endpoint.rule.port}`, endpoint);
  }

  pick(attempt: Attempt, candidates: Candidates): Endpoint | undefined {
    const { host, port } = attempt.pass.call.destination;
    if (this.#byAddress.size === 0) return usable(this.at(host, port), attempt);
    const named = this.#byAddress.get(`${host} ${port}`);
    return named === undefined ? this.others.pick(attempt, candidates) : usable(named, attempt);
  }
}

function usable(endpoint: Endpoint | undefined, { unreachable }: Attempt): Endpoint | undefined {
  if (endpoint === undefined || endpoint.draining || endpoint.peer.draining) return undefined;
  return unreachable?.includes(endpoint) ? undefined : endpoint;
}
