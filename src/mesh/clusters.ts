import { Cluster, type ClusterEvent, type NameResolver, Names } from '../cluster/index.js';
import type { Peers } from '../connection/index.js';
import type { Protocol } from '../message/index.js';
import {
  type Adoption,
  type AdoptionChange,
  type ClusterRule,
  type EndpointRule,
  type HashEngine,
  mergePolicies,
  type RuleStore,
} from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';

export interface ClustersContext {
  readonly store: RuleStore;
  readonly adoption: Adoption;
  readonly peers: Peers;
  readonly runtime: Runtime;
  readonly hash: HashEngine | undefined;
  readonly onEvent: (event: ClusterEvent) => void;
  /** Undefined: names of endpoints are the transport's business. */
  readonly names: NameResolver | undefined;
  readonly warn: (message: string) => void;
  /** Of this process. */
  readonly locality: string | undefined;
}

/** A cluster that a plan uses. */
export interface HeldCluster {
  readonly cluster: Cluster;
  /** The plan needs it no longer. */
  release(): void;
}

/**
 * The clusters that plans use, each with its endpoints, shared by all of them: in-flight counts, ejections and
 * connections outlast a change of rules. A cluster lives while a plan holds it, even when its rule is gone.
 */
export class Clusters {
  private readonly live = new Map<string, Live>();
  private readonly byEndpoints = new Map<string, Set<Live>>();

  private readonly names: Names | undefined;

  constructor(private readonly context: ClustersContext) {
    const { runtime, names: resolver, warn } = context;
    const changed = (key: string) => this.offer(key);
    this.names = resolver === undefined ? undefined : new Names({ runtime, resolver, changed, warn });
  }

  /** Undefined if nobody describes it. */
  hold(name: string, protocol: Protocol): HeldCluster | undefined {
    const key = `${protocol.name} ${name}`;
    let live = this.live.get(key);
    if (live === undefined) {
      const rule = this.ruleOf(name);
      if (rule === undefined) return undefined;
      live = this.create(rule, protocol);
      this.live.set(key, live);
    }
    const held = live;
    held.holders++;
    return { cluster: held.cluster, release: () => this.release(key, held) };
  }

  /** Those in use, for status. */
  *[Symbol.iterator](): IterableIterator<Cluster> {
    for (const live of this.live.values()) yield live.cluster;
  }

  /** Hands changed rules and endpoints to the clusters in use. */
  apply(change: AdoptionChange): void {
    if (change.clusters.size + change.services.size > 0) {
      for (const live of this.live.values()) {
        const { name, rule } = live.cluster;
        if (!change.clusters.has(name) && !change.services.has(rule.endpointsKey)) continue;
        const changed = this.ruleOf(name);
        if (changed !== undefined) this.update(live, changed);
      }
    }
    for (const key of change.endpoints) this.offer(key);
  }

  private offer(key: string): void {
    const sharing = this.byEndpoints.get(key);
    if (sharing === undefined) return;
    const endpoints = this.endpoints(key);
    for (const live of sharing) live.cluster.setEndpoints(endpoints);
  }

  /** With what policies of the cluster and of its service say of it as a whole: ejection and limits. */
  private ruleOf(name: string): ClusterRule | undefined {
    const { adoption } = this.context;
    const rule = adoption.clusters.get(name);
    if (rule === undefined) return undefined;
    const service = adoption.services.get(rule.endpointsKey);
    const policy = mergePolicies(service?.policy ?? {}, rule.policy);
    return { ...rule, outlier: policy.outlier ?? rule.outlier, limits: { ...rule.limits, ...policy.limits } };
  }

  private create(rule: ClusterRule, protocol: Protocol): Live {
    const { runtime, peers, hash, onEvent, locality } = this.context;
    const cluster = new Cluster(forProtocol(rule, protocol), {
      runtime,
      onEvent,
      locality,
      ...(hash === undefined ? {} : { hash }),
      peers: ({ address: host, port }, { connectTimeoutMs, limits: { maxConnections } }) =>
        peers.acquire({ address: { host, port }, protocol, connectTimeoutMs, maxConnections }),
    });
    cluster.setEndpoints(this.endpoints(rule.endpointsKey));
    const live = { cluster, protocol, holders: 0 };
    this.index(live, rule.endpointsKey);
    return live;
  }

  private update(live: Live, rule: ClusterRule): void {
    const before = live.cluster.rule.endpointsKey;
    live.cluster.update(forProtocol(rule, live.protocol));
    if (before === rule.endpointsKey) return;
    this.unindex(live, before);
    this.index(live, rule.endpointsKey);
    live.cluster.setEndpoints(this.endpoints(rule.endpointsKey));
  }

  private release(key: string, live: Live): void {
    if (--live.holders > 0) return;
    this.live.delete(key);
    this.unindex(live, live.cluster.rule.endpointsKey);
    live.cluster.close();
  }

  private index(live: Live, endpointsKey: string): void {
    let sharing = this.byEndpoints.get(endpointsKey);
    if (sharing === undefined) {
      sharing = new Set();
      this.byEndpoints.set(endpointsKey, sharing);
    }
    sharing.add(live);
  }

  private unindex(live: Live, endpointsKey: string): void {
    const sharing = this.byEndpoints.get(endpointsKey);
    if (sharing === undefined || !sharing.delete(live) || sharing.size > 0) return;
    this.byEndpoints.delete(endpointsKey);
    this.names?.forget(endpointsKey);
  }

  private endpoints(key: string): readonly EndpointRule[] {
    const written = this.context.store.endpoints.get(key)?.endpoints ?? [];
    return this.names?.expand(key, written) ?? written;
  }
}

interface Live {
  readonly cluster: Cluster;
  readonly protocol: Protocol;
  holders: number;
}

/** Where an address is an identity, such as a broker's, no other endpoint can take its calls. */
function forProtocol(rule: ClusterRule, { traits }: Protocol): ClusterRule {
  return traits?.addressIsIdentity === true ? { ...rule, balancer: { kind: 'original-destination' } } : rule;
}
