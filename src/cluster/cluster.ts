import type { Attempt, Failure, Outcome } from '../call/index.js';
import type { ClusterRule, EndpointRule, HashEngine } from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';
import type { Balancer } from './balancer.js';
import { checkBalancer, createBalancer, leastRequest, OriginalDestination } from './balancers/index.js';
import { Candidates } from './candidates.js';
import type { Endpoint, Peer } from './endpoint.js';
import { Members, wantsMtls } from './members.js';
import { noEndpoint } from './no-endpoint.js';
import { OutlierDetector, type OutlierListener } from './outlier.js';
import { localityRank, overLevels } from './priorities.js';
import { type ClusterEvent, type EndpointStatus, endpointStatus } from './status.js';

export interface ClusterDeps {
  readonly runtime: Runtime;
  /** The peer of an address; the cluster calls its `release` once. */
  readonly peers: (endpoint: EndpointRule, cluster: ClusterRule) => Peer;
  /** Only ring hash needs it. */
  readonly hash?: HashEngine | undefined;
  /** `region/zone/sub-zone` of this process; calls prefer endpoints near it. @defaultValue nobody knows */
  readonly locality?: string | undefined;
  readonly onEvent?: ((event: ClusterEvent) => void) | undefined;
}

/**
 * The endpoints that calls of a route are balanced over. What is known of them (attempts in flight, ejections) outlasts
 * rule changes; the balancer over them is made anew when they or their weights change, at the first pick after that, so
 * that of 1,000 clusters which a push touches only those in use pay.
 */
export class Cluster {
  readonly #deps: ClusterDeps;
  readonly #members: Members;
  readonly #candidates = new Candidates();
  #rule: ClusterRule;
  /** As offered last: the rule's labels may come to choose others of them. */
  #offered: readonly EndpointRule[] = [];
  #balancer: Balancer | undefined = undefined;
  #outlier: OutlierDetector | undefined = undefined;

  /** @throws {@link Error} - the balancer needs an engine that isn't there. */
  constructor(rule: ClusterRule, deps: ClusterDeps) {
    checkBalancer(rule, deps.hash);
    this.#rule = rule;
    this.#deps = deps;
    this.#members = new Members(
      (endpoint) => deps.peers(endpoint, this.#rule),
      (endpoint) => this.#priorityOf(endpoint),
      (endpoint) => this.#outlier?.forget(endpoint),
    );
    this.#watchOutliers();
  }

  get name(): string {
    return this.#rule.name;
  }

  get rule(): ClusterRule {
    return this.#rule;
  }

  /**
   * Another rule of the same name. The endpoints that its labels choose stay, with all that is known of them.
   * @throws {@link Error} - the balancer needs an engine that isn't there; the former rule stays in force.
   */
  update(rule: ClusterRule): void {
    checkBalancer(rule, this.#deps.hash);
    this.#rule = rule;
    this.#balancer = undefined;
    this.#watchOutliers();
    this.setEndpoints(this.#offered);
  }

  /**
   * Takes those of the offered endpoints that have the subset's labels. Same address and port: the same endpoint, perhaps
   * with another weight. One that is gone takes no new attempts, and lets go of its peer when its last one is over. Costs
   * two map accesses an endpoint.
   */
  setEndpoints(offered: readonly EndpointRule[]): void {
    this.#offered = offered;
    if (this.#members.replace(offered, this.#rule)) this.#balancer = undefined;
  }

  /**
   * An endpoint for the attempt, on whose in-flight count the attempt stands until `endpoint.release()`. Undefined if none
   * can be used; {@link explainNone} says why.
   */
  pick(attempt: Attempt): Endpoint | undefined {
    const candidates = this.#candidates;
    candidates.panic = this.#panics();
    this.#balancer ??= this.#createBalancer();
    let endpoint = this.#balancer.pick(attempt, candidates.pointAt(attempt, false));
    if (endpoint === undefined && attempt.previous !== undefined) {
      endpoint = this.#balancer.pick(attempt, candidates.pointAt(attempt, true));
    }
    candidates.clear();
    if (endpoint !== undefined) endpoint.inflight++;
    return endpoint;
  }

  /** No connection to the picked endpoint could be had: the attempt is taken off it and will not be given it again. */
  failedConnect(endpoint: Endpoint, attempt: Attempt, failure: Failure): void {
    attempt.unreachable ??= [];
    attempt.unreachable.push(endpoint);
    this.#learn(endpoint, failure);
    endpoint.release();
  }

  /** What became of an attempt that had a connection to an endpoint. Once for each. */
  observe(attempt: Attempt, outcome: Outcome): void {
    const endpoint = attempt.target as Endpoint | undefined;
    if (endpoint === undefined) return;
    this.#learn(endpoint, outcome);
    this.#balancer?.observe?.(endpoint, attempt, outcome);
  }

  /** Why there is no endpoint for the attempt, in numbers. Looks at every endpoint. */
  explainNone(attempt: Attempt): Failure {
    return noEndpoint(this.#rule, this.#members.all, attempt);
  }

  /** For explain and status; endpoints that are leaving come last. */
  snapshot(): readonly EndpointStatus[] {
    this.#outlier?.restoreDue();
    const now = this.#deps.runtime.now();
    return this.#members.everything().map((e) => endpointStatus(e, wantsMtls(e.rule, this.#rule), now));
  }

  /** No more attempts; peers are let go of as the last ones end. */
  close(): void {
    this.#members.close(this.#rule);
    this.#balancer = undefined;
  }

  #createBalancer(): Balancer {
    const { runtime, hash } = this.#deps;
    const { balancer } = this.#rule;
    if (balancer.kind === 'original-destination') {
      const at = (host: string, port: number) => this.#members.at(host, port, this.#rule);
      return new OriginalDestination(this.#members.usable, leastRequest(this.#members.usable, runtime, 2), at);
    }
    const make = (endpoints: readonly Endpoint[]) => createBalancer(balancer, endpoints, runtime, hash);
    return overLevels(this.#members.usable, make, runtime, () => this.#outlier);
  }

  #priorityOf({ priority, locality }: EndpointRule): number {
    const own = this.#deps.locality;
    const failsOver = own !== undefined && this.#outlier !== undefined && this.#rule.localityFailover !== false;
    return priority * 4 + (failsOver ? localityRank(own, locality) : 0);
  }

  #panics(): boolean {
    const outlier = this.#outlier;
    if (outlier === undefined || outlier.ejected === 0) return false;
    outlier.restoreDue();
    return outlier.panics(this.#members.usable.length);
  }

  #learn(endpoint: Endpoint, outcome: Outcome): void {
    if (this.#outlier === undefined || endpoint.draining) return;
    this.#outlier.observe(endpoint, outcome, this.#members.usable.length);
  }

  #watchOutliers(): void {
    const { policy, outlier, balancer } = this.#rule;
    const rule = policy.outlier ?? outlier;
    if (rule === undefined || rule.consecutiveErrors === 0 || balancer.kind === 'original-destination') {
      if (this.#outlier !== undefined) for (const endpoint of this.#members.all) this.#outlier.forget(endpoint);
      this.#outlier = undefined;
    } else if (this.#outlier === undefined) {
      this.#outlier = new OutlierDetector(this.#deps.runtime, this.#listener(), rule);
    } else {
      this.#outlier.rule = rule;
    }
  }

  #listener(): OutlierListener {
    const tell = this.#deps.onEvent;
    return {
      ejected: ({ address }, failures, forMs) =>
        tell?.({ type: 'ejected', cluster: this.name, address, failures, forMs }),
      restored: ({ address }) => tell?.({ type: 'restored', cluster: this.name, address }),
    };
  }
}
