import type { Attempt, Connection, Failure } from '../../src/call/index.js';
import { Candidates } from '../../src/cluster/candidates.js';
import { Cluster, type ClusterDeps, Endpoint, type Peer } from '../../src/cluster/index.js';
import type { ClusterRule, EndpointRule, OutlierRule } from '../../src/rules/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { FakeAttempt, FakePass } from '../policy/support.js';

export { call, FakeAttempt, FakePass, reply } from '../policy/support.js';

const CONNECTION: Connection = { send() {}, abandon() {} };

/** A peer whose answers to `checkout` a test scripts. */
export class FakePeer implements Peer {
  ready = true;
  draining = false;
  releases = 0;
  readonly waiting: Attempt[] = [];
  readonly withdrawn: Attempt[] = [];
  /** `refuse`: as soon as it is asked, within `checkout`. */
  answer: 'connection' | 'wait' | { readonly refuse: Failure } = 'connection';

  checkout(attempt: Attempt): Connection | undefined {
    if (this.answer === 'connection') return CONNECTION;
    if (this.answer === 'wait') this.waiting.push(attempt);
    else attempt.refused(this.answer.refuse);
    return undefined;
  }

  withdraw(attempt: Attempt): void {
    this.withdrawn.push(attempt);
  }

  release(): void {
    this.releases++;
  }
}

export function endpointRule(index: number, more: Partial<EndpointRule> = {}): EndpointRule {
  return {
    address: `10.0.${index >> 8}.${index & 255}`,
    port: 20880,
    labels: {},
    weight: 1,
    locality: '',
    priority: 0,
    tlsMode: undefined,
    ...more,
  };
}

/** One endpoint for each weight. */
export function endpointRules(weights: readonly number[]): EndpointRule[] {
  return weights.map((weight, index) => endpointRule(index, { weight }));
}

export function endpoints(weights: readonly number[]): Endpoint[] {
  return endpointRules(weights).map((rule) => new Endpoint(`${rule.address}:${rule.port}`, rule, new FakePeer()));
}

export const OUTLIER: OutlierRule = {
  consecutiveErrors: 5,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectionPercent: 10,
  minHealthPercent: 0,
};

export function clusterRule(more: Partial<ClusterRule> = {}): ClusterRule {
  return {
    name: 'outbound|20880||demo',
    host: 'demo',
    port: 20880,
    subset: '',
    endpointsKey: 'demo_20880',
    labels: {},
    balancer: { kind: 'round-robin' },
    outlier: undefined,
    limits: {
      maxConnections: Number.POSITIVE_INFINITY,
      maxPendingRequests: Number.POSITIVE_INFINITY,
      maxRequests: Number.POSITIVE_INFINITY,
      maxRetries: Number.POSITIVE_INFINITY,
    },
    connectTimeoutMs: 10_000,
    tlsMode: 'disabled',
    policy: {},
    from: { source: 'test', origin: 'test' },
    ...more,
  };
}

/** A cluster over fake peers, which are found by the address's last number. */
export function testCluster(rule: Partial<ClusterRule> = {}, deps: Partial<ClusterDeps> = {}) {
  const runtime = new ManualRuntime();
  const peers = new Map<string, FakePeer>();
  const cluster = new Cluster(clusterRule(rule), {
    runtime,
    peers: ({ address }) => {
      const peer = new FakePeer();
      peers.set(address, peer);
      return peer;
    },
    ...deps,
  });
  return { cluster, runtime, peer: (index: number) => peers.get(endpointRule(index).address)!, peers };
}

/** A first attempt, or with `of` another one of the same call. */
export function attempt(of?: FakeAttempt): FakeAttempt {
  return new FakeAttempt(of === undefined ? new FakePass() : (of.pass as FakePass));
}

/** Points candidates at a first attempt of a new call. */
export function anyCandidates(of: FakeAttempt = attempt()): Candidates {
  return new Candidates().pointAt(of, false);
}

/** How often each endpoint comes in so many picks. */
export function shares(count: number, pick: () => Endpoint | undefined): Map<Endpoint, number> {
  const picked = new Map<Endpoint, number>();
  for (let i = 0; i < count; i++) {
    const endpoint = pick();
    if (endpoint !== undefined) picked.set(endpoint, (picked.get(endpoint) ?? 0) + 1);
  }
  return picked;
}
