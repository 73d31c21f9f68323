import { Cluster, type ClusterEvent, type NameResolver, Names } from '../cluster/index.js';
import type { Peers, PeerTerms } from '../connection/index.js';
import type { Protocol } from '../message/index.js';
import type { Share } from '../policy/index.js';
import {
  type Adoption,
  type AdoptionChange,
  type ClusterRule,
  type EndpointRule,
  mergePolicies,
  type RuleEngines,
  type RuleStore,
  sameContent,
} from '../rules/index.js';
import type { Runtime, Work, WorkQueue } from '../runtime/index.js';

export interface ClustersContext {
  readonly store: RuleStore;
  readonly adoption: Adoption;
  readonly peers: Peers;
  readonly runtime: Runtime;
  readonly engines: RuleEngines;
  readonly onEvent: (event: ClusterEvent) => void;
  /** Undefined: names of endpoints are the transport's business. */
  readonly names: NameResolver | undefined;
  readonly warn: (message: string) => void;
  /** Of this process. */
  readonly locality: string | undefined;
  /** Of limits on connections. */
  readonly share: Share;
  /** That of the rules: changes come one after the other. */
  readonly work: WorkQueue;
}

/** A cluster that a plan uses. */
export interface HeldCluster {
  readonly cluster: Cluster;
  /** The plan needs it no longer. */
  release(): void;
}

const NO_ENDPOINTS: readonly EndpointRule[] = [];

/**
 * The clusters that plans use, each with its endpoints, shared by all of them: in-flight counts, ejections and
 * connections outlast a change of rules. A cluster lives while a plan holds it, even when its rule is gone.
 */
export class Clusters {
  private readonly live = new Map<string, Live>();
  private readonly byName = new Map<string, Set<Live>>();
  private readonly byEndpoints = new Map<string, Set<Live>>();
  /** What the change under way changes. */
  private readonly changing = new Set<Live>();
  /** Made while it is under way, by the rules before it. */
  private readonly fresh = new Set<Live>();
  private readonly names: Names | undefined;

  constructor(private readonly context: ClustersContext) {
    const { runtime, names: resolver, warn, work } = context;
    const changed = (key: string) => work.add(this.renamed(key));
    this.names = resolver === undefined ? undefined : new Names({ runtime, resolver, changed, warn });
  }

  /**
   * Undefined if nobody describes it.
   * @param holder - key of the service that uses it
   */
  hold(name: string, protocol: Protocol, holder: string): HeldCluster | undefined {
    const key = `${protocol.name} ${name}`;
    let live = this.live.get(key);
    if (live === undefined) {
      const rule = this.ruleOf(name, protocol, 'get');
      if (rule === undefined) return undefined;
      live = this.create(key, rule, protocol);
    }
    const held = live;
    held.holders.set(holder, (held.holders.get(holder) ?? 0) + 1);
    return { cluster: held.cluster, release: () => this.release(held, holder) };
  }

  /** Those in use, for status. */
  *[Symbol.iterator](): IterableIterator<Cluster> {
    for (const live of this.live.values()) yield live.cluster;
  }

  /** Makes changed rules and endpoints ready for the clusters in use. */
  *stage({ services, clusters, endpoints }: AdoptionChange): Work {
    this.fresh.clear();
    this.changing.clear();
    for (const name of clusters) for (const live of this.byName.get(name) ?? []) this.changing.add(live);
    // A service's own policies hold for its clusters as well.
    for (const key of services) for (const live of this.byEndpoints.get(key) ?? []) this.changing.add(live);
    for (const key of endpoints) for (const live of this.byEndpoints.get(key) ?? []) this.changing.add(live);
    yield;
    for (const live of this.changing) {
      const rule = this.nextRuleOf(live, 'coming');
      yield* live.cluster.stage(rule, this.endpointsOf(rule, 'coming'));
      yield;
    }
  }

  /** @returns the services whose plans were compiled for other rules of a cluster than those now in force */
  commit(): ReadonlySet<string> {
    const outdated = new Set<string>();
    for (const live of this.changing) this.swap(live, outdated, () => live.cluster.commit());
    for (const live of this.fresh) {
      const rule = this.nextRuleOf(live, 'get');
      this.swap(live, outdated, () => live.cluster.change(rule, this.endpointsOf(rule, 'get')));
    }
    return outdated;
  }

  /** Names stand for other addresses now. */
  private *renamed(key: string): Work {
    for (const { cluster } of this.byEndpoints.get(key) ?? []) {
      yield* cluster.stage(cluster.rule, this.endpointsOf(cluster.rule, 'get'));
      cluster.commit();
      yield* cluster.settle();
    }
  }

  *settle(): Work {
    for (const { cluster } of this.changing) {
      yield* cluster.settle();
      yield;
    }
    this.changing.clear();
  }

  private swap(live: Live, outdated: Set<string>, change: () => void): void {
    const before = live.cluster.rule;
    change();
    const { rule } = live.cluster;
    if (rule === before) return;
    for (const holder of live.holders.keys()) outdated.add(holder);
    if (rule.endpointsKey === before.endpointsKey || live.holders.size === 0) return;
    this.leaveEndpoints(before.endpointsKey, live);
    join(this.byEndpoints, rule.endpointsKey, live);
  }

  /** With what policies of the cluster and of its service say of it as a whole: ejection and limits. */
  private ruleOf(name: string, { traits }: Protocol, when: 'get' | 'coming'): ClusterRule | undefined {
    const { adoption } = this.context;
    const rule = adoption.clusters[when](name);
    if (rule === undefined) return undefined;
    const service = adoption.services[when](rule.endpointsKey);
    const policy = mergePolicies(service?.policy ?? {}, rule.policy);
    return {
      ...rule,
      outlier: policy.outlier ?? rule.outlier,
      limits: { ...rule.limits, ...policy.limits },
      // Where an address is an identity, such as a broker's, no other endpoint can take its calls.
      balancer: traits?.addressIsIdentity === true ? { kind: 'original-destination' } : rule.balancer,
    };
  }

  /** The rule that it has, if nothing is new: or if its rule is gone, while a plan holds it. */
  private nextRuleOf({ cluster: { name, rule }, protocol }: Live, when: 'get' | 'coming'): ClusterRule {
    const next = this.ruleOf(name, protocol, when);
    return next === undefined || sameContent(next, rule) ? rule : next;
  }

  private endpointsOf({ endpointsKey }: ClusterRule, when: 'get' | 'coming'): readonly EndpointRule[] {
    const written = this.context.store.endpoints[when](endpointsKey)?.endpoints ?? NO_ENDPOINTS;
    return this.names?.expand(endpointsKey, written) ?? written;
  }

  private create(key: string, rule: ClusterRule, protocol: Protocol): Live {
    const { runtime, peers, engines, onEvent, locality, share } = this.context;
    const { hash } = engines;
    // One for all endpoints: there may be tens of thousands.
    let terms: PeerTerms = { protocol };
    const cluster = new Cluster(rule, {
      runtime,
      onEvent,
      locality,
      ...(hash === undefined ? {} : { hash }),
      peers: ({ address, port }, { connectTimeoutMs, limits }) => {
        const maxConnections = share.underWay(limits.maxConnections);
        if (terms.connectTimeoutMs !== connectTimeoutMs || terms.maxConnections !== maxConnections) {
          terms = { protocol, connectTimeoutMs, maxConnections };
        }
        return peers.reserve(address, port, terms);
      },
    });
    cluster.setEndpoints(this.endpointsOf(rule, 'get'));
    const live: Live = { key, cluster, protocol, holders: new Map() };
    this.live.set(key, live);
    join(this.byName, rule.name, live);
    join(this.byEndpoints, rule.endpointsKey, live);
    this.fresh.add(live);
    return live;
  }

  private leaveEndpoints(key: string, live: Live): void {
    leave(this.byEndpoints, key, live);
    if (!this.byEndpoints.has(key)) this.names?.forget(key);
  }

  private release(live: Live, holder: string): void {
    const { key, cluster, holders } = live;
    const left = holders.get(holder)! - 1;
    if (left > 0) holders.set(holder, left);
    else holders.delete(holder);
    if (holders.size > 0) return;
    this.live.delete(key);
    this.fresh.delete(live);
    this.changing.delete(live);
    leave(this.byName, cluster.name, live);
    this.leaveEndpoints(cluster.rule.endpointsKey, live);
    cluster.close();
  }
}

interface Live {
  readonly key: string;
  readonly cluster: Cluster;
  readonly protocol: Protocol;
  /** Keys of services, with how many of their plans hold it. */
  readonly holders: Map<string, number>;
}

function join(groups: Map<string, Set<Live>>, key: string, live: Live): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, new Set([live]));
  else group.add(live);
}

function leave(groups: Map<string, Set<Live>>, key: string, live: Live): void {
  const group = groups.get(key);
  group?.delete(live);
  if (group?.size === 0) groups.delete(key);
}
