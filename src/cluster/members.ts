import type { ClusterRule, EndpointRule } from '../rules/index.js';
import { Endpoint, type EndpointOwner, type Peer } from './endpoint.js';

/** Addresses that are remembered of a cluster which goes wherever callers say. */
const MAX_UNNAMED = 1_024;

/**
 * The endpoints of a cluster, by address and port, through all changes of the rules. One that goes takes no new attempts
 * and lets go of its peer with its last one; one that comes again before that is the same endpoint, still with the
 * attempts in flight that it has.
 */
export class Members implements EndpointOwner {
  /** In the order of the rules. */
  all: readonly Endpoint[] = [];
  /** Of these, those that may be connected to: never in plaintext where mTLS is wanted. */
  usable: readonly Endpoint[] = [];
  #byAddress = new Map<string, Endpoint>();
  readonly #leaving = new Map<string, Endpoint>();
  /** Those that {@link at} made, the longest unused first. */
  readonly #unnamed = new Map<string, Endpoint>();

  /**
   * @param makePeer - for an endpoint that is new
   * @param priorityOf - its level, the lowest preferred
   * @param gone - told of each endpoint that is no longer usable
   */
  constructor(
    private readonly makePeer: (rule: EndpointRule) => Peer,
    private readonly priorityOf: (rule: EndpointRule) => number,
    private readonly gone: (endpoint: Endpoint) => void,
  ) {}

  /** @returns whether the usable endpoints, their order, weights or priorities are others than before. */
  replace(offered: readonly EndpointRule[], cluster: ClusterRule): boolean {
    const labels = Object.entries(cluster.labels);
    const byAddress = new Map<string, Endpoint>();
    const all: Endpoint[] = [];
    const usable: Endpoint[] = [];
    let reweighted = false;
    for (const rule of offered) {
      if (!labels.every(([key, value]) => rule.labels[key] === value)) continue;
      const address = hostPort(rule);
      if (byAddress.has(address)) continue;
      let endpoint = this.#byAddress.get(address) ?? this.#leaving.get(address);
      if (endpoint === undefined) {
        endpoint = new Endpoint(address, rule, this.makePeer(rule));
      } else {
        reweighted ||= endpoint.rule.weight !== rule.weight;
        endpoint.rule = rule;
        if (endpoint.draining) this.#return(endpoint);
      }
      const priority = this.priorityOf(rule);
      reweighted ||= endpoint.priority !== priority;
      endpoint.priority = priority;
      byAddress.set(address, endpoint);
      all.push(endpoint);
      if (!wantsMtls(rule, cluster)) usable.push(endpoint);
    }
    const before = this.usable;
    const departed = this.#byAddress;
    this.all = all;
    this.usable = usable.length === all.length ? all : usable;
    this.#byAddress = byAddress;
    for (const endpoint of before) {
      if (!byAddress.has(endpoint.address) || wantsMtls(endpoint.rule, cluster)) this.gone(endpoint);
    }
    for (const endpoint of departed.values()) if (!byAddress.has(endpoint.address)) this.#leave(endpoint);
    return reweighted || usable.length !== before.length || usable.some((endpoint, i) => endpoint !== before[i]);
  }

  /**
   * The endpoint at an address that no rule names. At most {@link MAX_UNNAMED} of these: beyond, the longest unused makes
   * room. Undefined if all are in use, or the cluster wants mTLS.
   */
  at(host: string, port: number, cluster: ClusterRule): Endpoint | undefined {
    const rule = { address: host, port, labels: {}, weight: 1, locality: '', priority: 0, tlsMode: undefined };
    if (wantsMtls(rule, cluster)) return undefined;
    const address = hostPort(rule);
    let endpoint = this.#unnamed.get(address);
    if (endpoint !== undefined) this.#unnamed.delete(address);
    else if (this.#unnamed.size >= MAX_UNNAMED && !this.#makeRoom()) return undefined;
    endpoint ??= new Endpoint(address, rule, this.makePeer(rule));
    this.#unnamed.set(address, endpoint);
    return endpoint;
  }

  /** Lets go of all. Their last attempts end as they would. */
  close(cluster: ClusterRule): void {
    this.replace([], cluster);
    for (const endpoint of this.#unnamed.values()) this.#leave(endpoint);
    this.#unnamed.clear();
  }

  /** Members, those that no rule names, and those that are leaving. */
  everything(): readonly Endpoint[] {
    return [...this.all, ...this.#unnamed.values(), ...this.#leaving.values()];
  }

  drained(endpoint: Endpoint): void {
    this.#leaving.delete(endpoint.address);
    forget(endpoint);
  }

  #makeRoom(): boolean {
    for (const [address, endpoint] of this.#unnamed) {
      if (endpoint.inflight > 0) continue;
      this.#unnamed.delete(address);
      forget(endpoint);
      return true;
    }
    return false;
  }

  #leave(endpoint: Endpoint): void {
    endpoint.leaving = this;
    if (endpoint.inflight === 0) forget(endpoint);
    else this.#leaving.set(endpoint.address, endpoint);
  }

  #return(endpoint: Endpoint): void {
    endpoint.leaving = undefined;
    this.#leaving.delete(endpoint.address);
  }
}

/** Its last attempt is over. The meter stays where it is: an outcome that is told now still finds it, and counts nowhere. */
function forget(endpoint: Endpoint): void {
  endpoint.peer.release();
  endpoint.meter?.close();
}

/** Does the endpoint want a mesh identity that we cannot present yet? */
export function wantsMtls(endpoint: EndpointRule, cluster: ClusterRule): boolean {
  return (endpoint.tlsMode ?? cluster.tlsMode) === 'istio';
}

/** As Envoy writes addresses, and hashes them: IPv6 in brackets. */
function hostPort(rule: EndpointRule): string {
  return rule.address.includes(':') ? `[${rule.address}]:${rule.port}` : `${rule.address}:${rule.port}`;
}
