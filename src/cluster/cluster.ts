import type { Attempt, Failure, Outcome } from '../call/index.js';
import { type ClusterRule, type EndpointRule, type HashEngine, type OutlierRule, sameContent } from '../rules/index.js';
import { finish, type Runtime, type Work } from '../runtime/index.js';
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
  #coming: { readonly rule: ClusterRule; readonly offered: readonly EndpointRule[] } | undefined = undefined;
  #balancer: Balancer | undefined = undefined;
  #outlier: OutlierDetector | undefined = undefined;

  /** @throws {@link Error} - the balancer needs an engine that isn't there. */
  constructor(rule: ClusterRule, deps: ClusterDeps) {
    checkBalancer(rule, deps.hash);
    this.#rule = rule;
    this.#deps = deps;
    this.#members = new Members(
      deps.peers,
      (endpoint, cluster) => this.#priorityOf(endpoint, cluster),
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
   * Another rule of the same name, and endpoints, made ready aside. Nothing is in force before {@link commit}, and no other
   * change may be made ready before {@link settle} is over.
   * @throws {@link Error} - the balancer needs an engine that isn't there; the former rule stays in force.
   */
  *stage(rule: ClusterRule, offered: readonly EndpointRule[]): Work {
    checkBalancer(rule, this.#deps.hash);
    this.#coming = { rule, offered };
    if (offered === this.#offered && !this.#choosesOthers(rule)) return;
    yield* this.#members.stage(offered, rule);
  }

  /** The rule and the endpoints that were made ready are in force. Costs an assignment an endpoint. */
  commit(): void {
    if (this.#coming === undefined) return;
    const { rule, offered } = this.#coming;
    const sameBalancer = sameContent(rule.balancer, this.#rule.balancer);
    this.#coming = undefined;
    this.#rule = rule;
    this.#offered = offered;
    if (this.#members.commit() || !sameBalancer) this.#balancer = undefined;
    this.#watchOutliers();
  }

  /** Endpoints that are gone let go of their peers, those with attempts in flight when the last one is over. */
  settle(): Work {
    return this.#members.settle();
  }

  /** {@link stage}, {@link commit} and {@link settle} in one go. */
  change(rule: ClusterRule, offered: readonly EndpointRule[]): void {
    finish(this.stage(rule, offered));
    this.commit();
    finish(this.settle());
  }

  /** Another rule of the same name, in one go. */
  update(rule: ClusterRule): void {
    this.change(rule, this.#offered);
  }

  /**
   * Takes those of the offered endpoints that have the subset's labels, in one go. Same address and port: the same
   * endpoint, perhaps with another weight. One that is gone takes no new attempts.
   */
  setEndpoints(offered: readonly EndpointRule[]): void {
    this.change(this.#rule, offered);
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
    this.#coming = undefined;
    this.#members.close();
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

  #priorityOf({ priority, locality }: EndpointRule, rule: ClusterRule): number {
    return priority * 4 + (this.#failsOver(rule) ? localityRank(this.#deps.locality!, locality) : 0);
  }

  /** Are near endpoints preferred? Only where some are ejected: else nobody knows that a zone is down. */
  #failsOver(rule: ClusterRule): boolean {
    return this.#deps.locality !== undefined && rule.localityFailover !== false && ejectionOf(rule) !== undefined;
  }

  /** Does it want other endpoints of those that are offered, or in another order? */
  #choosesOthers(rule: ClusterRule): boolean {
    const before = this.#rule;
    if (before === rule) return false;
    const { labels, tlsMode } = before;
    return (
      tlsMode !== rule.tlsMode || this.#failsOver(before) !== this.#failsOver(rule) || !sameContent(labels, rule.labels)
    );
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
    const rule = ejectionOf(this.#rule);
    if (rule === undefined) {
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

/** Undefined: it ejects nobody. */
function ejectionOf({ policy, outlier, balancer }: ClusterRule): OutlierRule | undefined {
  const rule = policy.outlier ?? outlier;
  return rule?.consecutiveErrors === 0 || balancer.kind === 'original-destination' ? undefined : rule;
}
