import { Observable } from 'rxjs';
import {
  type BalancerRule,
  type ClusterRule,
  clusterName,
  type EndpointRule,
  type PolicyRule,
  type RouteRule,
  type RuleChange,
  type RuleSource,
  type ServiceRule,
  serviceKey,
} from '../../src/rules/index.js';
import { FROM, route } from '../routing/rules.js';
import { service } from '../rules/rules.js';
import { DEMO } from './support.js';

const { host: HOST, port: PORT } = DEMO;
const KEY = serviceKey(HOST, PORT);
export const HOSTS = Array.from({ length: 8 }, (_, i) => `10.0.0.${i + 1}`);
const SUBSETS = ['a', 'b', 'c'];
const KINDS = ['even', 'odd'] as const;

/** What holds for calls at one moment: for each kind of payload the subsets, for each subset its servers. */
export interface InForce {
  readonly routes: ReadonlyMap<string, readonly string[]>;
  readonly servers: ReadonlyMap<string, readonly string[]>;
}

/** A source whose rules change by chance, and that knows what must be in force after each change. */
export class ChangingRules implements RuleSource {
  readonly name = 'code';
  readonly precedence = 400;
  /** Of each change, the first included. */
  readonly states: InForce[] = [];
  #emit: ((batch: readonly RuleChange[]) => void) | undefined;
  #labels = firstLabels();
  #routes: ReadonlyMap<string, readonly string[]> = new Map(KINDS.map((kind) => [kind, ['a', 'b']]));
  /** Said, and perhaps waiting for clusters. */
  #wanted = this.#routes;
  #policy: PolicyRule = {};
  readonly #known = new Set(SUBSETS);
  readonly #late = new Set<string>();
  #names = 0;
  #other = false;
  /** Nothing is drawn. */
  #plain = false;

  constructor(private readonly random: () => number) {}

  watch(): Observable<readonly RuleChange[]> {
    return new Observable((subscriber) => {
      this.#emit = (batch) => subscriber.next(batch);
      this.#say([...this.#first(), { type: 'complete' }]);
    });
  }

  /** Back to where it began. */
  reset(): void {
    this.#labels = firstLabels();
    this.#wanted = new Map(KINDS.map((kind) => [kind, ['a', 'b']]));
    this.#policy = {};
    const removed = [...this.#known].filter((subset) => !SUBSETS.includes(subset));
    for (const subset of removed) this.#known.delete(subset);
    this.#late.clear();
    this.#other = false;
    this.#plain = true;
    const first = this.#first();
    this.#plain = false;
    this.#say([
      ...first,
      ...removed.map((subset) => ({ type: 'remove', kind: 'cluster', key: clusterName(HOST, PORT, subset) }) as const),
      { type: 'remove', kind: 'service', key: serviceKey('other.test', 1) },
    ]);
  }

  change(): void {
    const changes = [
      () => this.#reroute(),
      () => this.#reroute(),
      () => this.#swapServers(),
      () => this.#swapServers(),
      () => this.#recluster(),
      () => this.#setPolicy(),
      () => this.#sayNonsense(),
      () => this.#routeToNobodyYet(),
      () => this.#describeLate(),
      () => this.#toggleOther(),
      () => this.#say(this.#first()),
    ];
    this.#pick(changes)();
  }

  #first(): RuleChange[] {
    return [
      { type: 'upsert', kind: 'service', rule: this.#service(this.#wanted) },
      ...[...this.#known].map((subset) => this.#cluster(subset, { kind: 'round-robin' })),
      this.#endpoints(),
    ];
  }

  /** Some of what there is, at least one. */
  #some<T>(all: readonly T[]): T[] {
    const chosen = all.filter(() => this.random() < 0.5);
    return chosen.length === 0 ? [this.#pick(all)] : chosen;
  }

  #pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.random() * all.length)]!;
  }

  #reroute(): void {
    this.#wanted = new Map(KINDS.map((kind) => [kind, this.#some([...this.#known])]));
    const unused = [...this.#known].filter((subset) => !SUBSETS.includes(subset));
    const batch: RuleChange[] = [{ type: 'upsert', kind: 'service', rule: this.#service(this.#wanted) }];
    // A cluster may be removed although tables in force name it.
    if (unused.length > 3) {
      const gone = unused[0]!;
      this.#known.delete(gone);
      this.#wanted = new Map([...this.#wanted].map(([kind, subsets]) => [kind, without(subsets, gone)]));
      batch[0] = { type: 'upsert', kind: 'service', rule: this.#service(this.#wanted) };
      batch.push({ type: 'remove', kind: 'cluster', key: clusterName(HOST, PORT, gone) });
    }
    this.#say(batch);
  }

  #swapServers(): void {
    for (const host of this.#some(HOSTS)) this.#labels.set(host, this.#pick([...SUBSETS, 'nobody']));
    // Nobody's calls may fail: each subset keeps a server.
    const labels = new Set(this.#labels.values());
    if (!SUBSETS.every((subset) => labels.has(subset))) this.#labels = firstLabels();
    this.#say([this.#endpoints()]);
  }

  #recluster(): void {
    const balancers: BalancerRule[] = [
      { kind: 'round-robin' },
      { kind: 'random' },
      { kind: 'least-request', choices: 2 },
      { kind: 'ring-hash', minimumRingSize: 64, maximumRingSize: 128 },
    ];
    this.#say(this.#some([...this.#known]).map((subset) => this.#cluster(subset, this.#pick(balancers))));
  }

  #setPolicy(): void {
    const policies: PolicyRule[] = [
      {},
      { timeoutMs: 60_000, attemptTimeoutMs: 30_000 },
      { limits: { maxRequests: 20 } },
      { rateLimit: { bucket: { maxTokens: 1e6, tokensPerFill: 1, fillIntervalMs: 1000 }, conditions: [] } },
      { circuitBreaker: { errorPercent: 50, minimumCalls: 10, windowMs: 10_000, openMs: 1000 } },
      {
        retry: {
          attempts: 2,
          backoffBaseMs: 1,
          backoffMaxMs: 1,
          idempotent: true,
          budget: { percent: 20, minPerSecond: 10, ttlMs: 10_000 },
        },
      },
      {
        outlier: {
          consecutiveErrors: 5,
          intervalMs: 1000,
          baseEjectionMs: 1000,
          maxEjectionMs: 1000,
          maxEjectionPercent: 10,
          minHealthPercent: 0,
        },
      },
    ];
    this.#policy = Object.assign({}, ...this.#some(policies));
    this.#say([{ type: 'upsert', kind: 'service', rule: this.#service(this.#wanted) }]);
  }

  /** A table that cannot be used: the one in force stays. */
  #sayNonsense(): void {
    const wanted = this.#service(new Map(KINDS.map((kind) => [kind, this.#some([...this.#known])])));
    const match = [{ key: 'payload', kind: 'regex', value: 'x[' } as const];
    const bad = { ...wanted, routes: [{ ...wanted.routes[0]!, match }, ...wanted.routes] };
    this.#wanted = this.#routes;
    this.#say([{ type: 'upsert', kind: 'service', rule: bad }], false);
  }

  /** A table that names a cluster which nobody describes yet. */
  #routeToNobodyYet(): void {
    const subset = `late${this.#names++ % 20}`;
    if (this.#known.has(subset)) return;
    this.#late.add(subset);
    this.#wanted = new Map(KINDS.map((kind) => [kind, [this.#pick(SUBSETS), subset]]));
    this.#say([{ type: 'upsert', kind: 'service', rule: this.#service(this.#wanted) }]);
  }

  #describeLate(): void {
    for (const subset of this.#late) this.#known.add(subset);
    const batch = [...this.#late].map((subset) => this.#cluster(subset, { kind: 'round-robin' }));
    this.#late.clear();
    this.#say(batch);
  }

  #toggleOther(): void {
    this.#other = !this.#other;
    const rule = service('other.test', { key: serviceKey('other.test', 1), port: 1, protocol: 'frame' });
    this.#say([
      this.#other ? { type: 'upsert', kind: 'service', rule } : { type: 'remove', kind: 'service', key: rule.key },
    ]);
  }

  #say(batch: readonly RuleChange[], usable = true): void {
    const whole = [...this.#wanted.values()].every((subsets) => subsets.every((it) => this.#known.has(it)));
    if (usable && whole) this.#routes = this.#wanted;
    this.#emit!(batch);
    const servers = new Map<string, string[]>();
    for (const subset of [...this.#known, ...[...this.#routes.values()].flat()]) {
      servers.set(
        subset,
        HOSTS.filter((host) => this.#labels.get(host) === labelOf(subset)),
      );
    }
    this.states.push({ routes: this.#routes, servers });
  }

  #service(subsets: ReadonlyMap<string, readonly string[]>): ServiceRule {
    const routes: RouteRule[] = KINDS.map((kind) =>
      route(this.#plain ? kind : this.#pick(['r', 's', kind]), [{ key: 'payload', kind: 'prefix', value: kind }], {
        destinations: subsets.get(kind)!.map((it) => ({ cluster: clusterName(HOST, PORT, it), weight: 1 })),
        mirrors:
          !this.#plain && this.random() < 0.2
            ? [{ cluster: clusterName(HOST, PORT, this.#pick(SUBSETS)), perMillion: 500_000 }]
            : [],
        hashKeys: ['payload'],
        policy: this.#policy,
      }),
    );
    return service(HOST, {
      key: KEY,
      port: PORT,
      protocol: 'frame',
      routes,
      createdAt: Math.floor(this.random() * 10),
    });
  }

  #cluster(subset: string, balancer: BalancerRule): RuleChange {
    const rule: ClusterRule = {
      name: clusterName(HOST, PORT, subset),
      host: HOST,
      port: PORT,
      subset,
      endpointsKey: KEY,
      labels: { version: labelOf(subset) },
      balancer,
      outlier: undefined,
      limits: { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 },
      connectTimeoutMs: 10_000,
      tlsMode: 'disabled',
      policy: {},
      from: FROM,
    };
    return { type: 'upsert', kind: 'cluster', rule };
  }

  #endpoints(): RuleChange {
    const endpoints: EndpointRule[] = [...this.#labels].map(([address, version]) => ({
      address,
      port: PORT,
      labels: { version },
      weight: 1 + Math.floor(this.random() * 3),
      locality: '',
      priority: 0,
      tlsMode: undefined,
    }));
    return { type: 'upsert', kind: 'endpoints', rule: { key: KEY, endpoints, from: FROM } };
  }
}

function firstLabels(): Map<string, string> {
  return new Map(HOSTS.map((host, i) => [host, SUBSETS[i % SUBSETS.length]!]));
}

/** Late subsets are other names for the servers of `c`. */
function labelOf(subset: string): string {
  return SUBSETS.includes(subset) ? subset : 'c';
}

function without(subsets: readonly string[], gone: string): readonly string[] {
  const left = subsets.filter((it) => it !== gone);
  return left.length === 0 ? ['a'] : left;
}
