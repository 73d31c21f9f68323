import type { ClusterRule, EndpointRule } from '../rules/index.js';
import { finish, type Work } from '../runtime/index.js';
import { Endpoint, type EndpointOwner, type Peer } from './endpoint.js';

/** Addresses that are remembered of a cluster which goes wherever callers say. */
const MAX_UNNAMED = 1_024;
/** Endpoints between two yields: some tens of µs. */
const STEP = 16;

/** What the members are to be. */
interface Next {
  readonly all: readonly Endpoint[];
  /** Of each of them, at its place. */
  readonly rules: readonly EndpointRule[];
  readonly priorities: readonly number[];
  usable: readonly Endpoint[];
  readonly byAddress: Map<string, Endpoint>;
  /** Not usable any longer. */
  readonly unused: Endpoint[];
  readonly gone: Endpoint[];
  /** Other usable endpoints, in another order, or with other weights or priorities. */
  changed: boolean;
}

/**
 * The endpoints of a cluster, by address and port, through all changes of the rules. One that goes takes no new attempts
 * and lets go of its peer with its last one; one that comes again before that is the same endpoint, still with the
 * attempts in flight that it has.
 *
 * There may be tens of thousands: a change is made ready aside, and put in force by a few assignments; then those that
 * are gone let go of their peers.
 */
export class Members implements EndpointOwner {
  /** In the order of the rules. */
  all: readonly Endpoint[] = [];
  /** Of these, those that may be connected to: never in plaintext where mTLS is wanted. */
  usable: readonly Endpoint[] = [];
  #byAddress = new Map<string, Endpoint>();
  #next: Next | undefined;
  /** Gone from the rules, and not yet asked to leave. */
  #gone: Endpoint[] = [];
  readonly #leaving = new Map<string, Endpoint>();
  /** Those that {@link at} made, the longest unused first. */
  readonly #unnamed = new Map<string, Endpoint>();

  /**
   * @param makePeer - for an endpoint that is new
   * @param priorityOf - its level, the lowest preferred
   * @param unused - told of each endpoint that is no longer usable
   */
  constructor(
    private readonly makePeer: (rule: EndpointRule, cluster: ClusterRule) => Peer,
    private readonly priorityOf: (rule: EndpointRule, cluster: ClusterRule) => number,
    private readonly unused: (endpoint: Endpoint) => void,
  ) {}

  /** Makes ready those of the offered endpoints that have the cluster's labels. */
  *stage(offered: readonly EndpointRule[], cluster: ClusterRule): Work {
    const labels = Object.entries(cluster.labels);
    const all: Endpoint[] = [];
    const rules: EndpointRule[] = [];
    const priorities: number[] = [];
    const usable: Endpoint[] = [];
    const byAddress = new Map<string, Endpoint>();
    const unusable = new Set<Endpoint>();
    const next: Next = { all, rules, priorities, usable, byAddress, unused: [], gone: [], changed: false };
    this.#next = next;
    for (let i = 0; i < offered.length; i++) {
      if (i % STEP === STEP - 1) {
        yield;
        if (this.#next !== next) return; // closed meanwhile
      }
      const rule = offered[i]!;
      if (labels.length > 0 && !labels.every(([key, value]) => rule.labels[key] === value)) continue;
      const address = hostPort(rule);
      if (byAddress.has(address)) continue;
      const known = this.#byAddress.get(address) ?? this.#leaving.get(address);
      const endpoint = known ?? new Endpoint(address, rule, this.makePeer(rule, cluster));
      if (endpoint.draining) this.#return(endpoint);
      const priority = this.priorityOf(rule, cluster);
      next.changed ||= endpoint.rule.weight !== rule.weight || endpoint.priority !== priority;
      byAddress.set(address, endpoint);
      all.push(endpoint);
      rules.push(rule);
      priorities.push(priority);
      if (wantsMtls(rule, cluster)) {
        unusable.add(endpoint);
      } else {
        next.changed ||= this.usable[usable.length] !== endpoint;
        usable.push(endpoint);
      }
    }
    next.changed ||= usable.length !== this.usable.length;
    if (unusable.size === 0) next.usable = all;
    for (let i = 0; i < this.all.length; i++) {
      if (i % STEP === STEP - 1) yield;
      const endpoint = this.all[i]!;
      if (!byAddress.has(endpoint.address)) next.gone.push(endpoint);
      else if (!unusable.has(endpoint)) continue;
      next.unused.push(endpoint);
    }
  }

  /** Puts in force what was made ready. @returns whether the usable endpoints, their their order, weights or priorities are others. */
  commit(): boolean {
    const next = this.#next;
    if (next === undefined) return false;
    this.#next = undefined;
    const { all, rules, priorities, usable, byAddress, unused, gone, changed } = next;
    for (let i = 0; i < all.length; i++) {
      all[i]!.rule = rules[i]!;
      all[i]!.priority = priorities[i]!;
    }
    for (let i = 0; i < unused.length; i++) this.unused(unused[i]!);
    this.all = all;
    this.usable = usable;
    this.#byAddress = byAddress;
    this.#gone = gone;
    return changed;
  }

  /** Those that are gone leave. */
  *settle(): Work {
    const gone = this.#gone;
    for (let i = 1; gone.length > 0; i++) {
      this.#leave(gone.pop()!);
      if (i % STEP === 0) yield;
    }
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
    endpoint ??= new Endpoint(address, rule, this.makePeer(rule, cluster));
    this.#unnamed.set(address, endpoint);
    return endpoint;
  }

  /** Lets go of all, also of those that were only made ready. Their last attempts end as they would. */
  close(): void {
    const coming = this.#next?.all ?? [];
    this.#next = undefined;
    finish(this.settle());
    for (const endpoint of coming) if (this.#byAddress.get(endpoint.address) !== endpoint) this.#leave(endpoint);
    const all = [...this.all, ...this.#unnamed.values()];
    this.#unnamed.clear();
    this.all = [];
    this.usable = [];
    this.#byAddress = new Map();
    for (const endpoint of all) {
      this.unused(endpoint);
      this.#leave(endpoint);
    }
  }

  /** Members, those that no rule names, and those that are leaving. */
  everything(): readonly Endpoint[] {
    return [...this.all, ...this.#unnamed.values(), ...this.#gone, ...this.#leaving.values()];
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
