import { type Attempt, type Connection, Failure, type Outcome, Reply } from '../../src/call/index.js';
import { BalanceGate, Cluster, OutlierGate, type Peer } from '../../src/cluster/index.js';
import type { BalancerRule, HashEngine, OutlierRule } from '../../src/rules/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { EventQueue } from './event-queue.js';
import { SimAttempt, simClusterRule, simEndpointRule } from './parts.js';

/**
 * A cluster under load in virtual time: the real stages `balance` and `outlier` in front of hosts that are queues. Calls
 * arrive at random (Poisson) and take random times (exponential). Each host works at a few at once and lets the rest
 * wait. A caller gives up after a while; the host does not know and works on, so the attempt stays a tombstone.
 */
export interface Load {
  readonly balancer: BalancerRule;
  readonly outlier?: OutlierRule;
  readonly hosts: readonly HostLoad[];
  /** Of what all hosts could do if none were slow, in [0, 1). */
  readonly utilisation: number;
  readonly calls: number;
  /** When callers give up. */
  readonly timeoutMs: number;
  readonly seed: number;
  readonly hash: HashEngine;
}

export interface HostLoad {
  readonly weight: number;
  readonly workers: number;
  /** Mean time of a call, in ms. */
  readonly serviceMs: number;
  /** How many times as long it takes instead. */
  readonly slowness: number;
}

export interface LoadResult {
  /** Share of the attempts that each host got. */
  readonly shares: readonly number[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Share of calls that were not answered in time. */
  readonly failed: number;
  /** Most calls that each host had at once, waiting ones included. */
  readonly peaks: readonly number[];
}

type SimEvent = { readonly kind: 'call' } | { readonly kind: 'done' | 'timeout'; readonly attempt: SimAttempt };

export function simulate(load: Load): LoadResult {
  return new Simulation(load).run();
}

class Simulation {
  readonly #load: Load;
  readonly #runtime: ManualRuntime;
  readonly #events = new EventQueue<SimEvent>();
  readonly #hosts: Host[];
  readonly #balance: BalanceGate;
  readonly #outlier: OutlierGate;
  readonly #latencies: Float64Array;
  readonly #meanGapMs: number;
  #ended = 0;
  #failed = 0;

  constructor(load: Load) {
    this.#load = load;
    this.#runtime = new ManualRuntime(load.seed);
    this.#latencies = new Float64Array(load.calls);
    this.#hosts = load.hosts.map((host) => new Host(host, this.#runtime, this.#events));
    const cluster = clusterOf(load, this.#hosts, this.#runtime);
    this.#balance = new BalanceGate(cluster);
    this.#outlier = new OutlierGate(cluster);
    const perMs = load.hosts.reduce((sum, host) => sum + host.workers / host.serviceMs, 0);
    this.#meanGapMs = 1 / (perMs * load.utilisation);
  }

  run(): LoadResult {
    this.#events.add(this.#runtime.now(), { kind: 'call' });
    let made = 0;
    for (let next = this.#events.take(); next !== undefined; next = this.#events.take()) {
      this.#runtime.advance(next.at - this.#runtime.now());
      const { event } = next;
      if (event.kind === 'done') this.#done(event.attempt);
      else if (event.kind === 'timeout') this.#end(event.attempt, new Failure('ATTEMPT_TIMEOUT', { sent: 'maybe' }));
      else {
        this.#call();
        if (++made < this.#load.calls) {
          this.#events.add(next.at + exponential(this.#runtime, this.#meanGapMs), { kind: 'call' });
        }
      }
    }
    this.#latencies.sort();
    return {
      shares: this.#hosts.map((host) => host.attempts / this.#load.calls),
      p50Ms: this.#latencies[Math.floor(this.#load.calls * 0.5)]!,
      p99Ms: this.#latencies[Math.floor(this.#load.calls * 0.99)]!,
      failed: this.#failed / this.#load.calls,
      peaks: this.#hosts.map((host) => host.peak),
    };
  }

  #call(): void {
    const now = this.#runtime.now();
    const attempt = new SimAttempt(now, this.#load.balancer.kind === 'ring-hash' ? hashKey(this.#runtime) : undefined);
    const verdict = this.#balance.before(attempt);
    if (verdict !== undefined) throw new Error(`the simulated hosts always take calls, but: ${String(verdict)}`);
    attempt.dispatched = true;
    this.#events.add(now + this.#load.timeoutMs, { kind: 'timeout', attempt });
    attempt.connection!.send(attempt);
  }

  #done(attempt: SimAttempt): void {
    (attempt.connection as Host).finished();
    attempt.target!.release();
    this.#end(attempt, new Reply(undefined));
  }

  #end(attempt: SimAttempt, outcome: Outcome): void {
    if (attempt.settled) return;
    attempt.settled = true;
    if (outcome instanceof Failure) this.#failed++;
    this.#latencies[this.#ended++] = this.#runtime.now() - attempt.beganAt;
    this.#outlier.settled(attempt, outcome);
    this.#balance.settled(attempt, outcome);
  }
}

class Host implements Peer, Connection {
  readonly ready = true;
  readonly draining = false;
  attempts = 0;
  peak = 0;
  #busy = 0;
  readonly #queue: SimAttempt[] = [];

  constructor(
    private readonly load: HostLoad,
    private readonly runtime: ManualRuntime,
    private readonly events: EventQueue<SimEvent>,
  ) {}

  checkout(): Connection {
    return this;
  }

  withdraw(): void {}
  release(): void {}
  abandon(): void {}

  send(attempt: Attempt): void {
    this.attempts++;
    this.peak = Math.max(this.peak, this.#busy + this.#queue.length + 1);
    if (this.#busy < this.load.workers) this.#work(attempt as SimAttempt);
    else this.#queue.push(attempt as SimAttempt);
  }

  finished(): void {
    this.#busy--;
    const next = this.#queue.shift();
    if (next !== undefined) this.#work(next);
  }

  #work(attempt: SimAttempt): void {
    this.#busy++;
    const takesMs = exponential(this.runtime, this.load.serviceMs * this.load.slowness);
    this.events.add(this.runtime.now() + takesMs, { kind: 'done', attempt });
  }
}

function clusterOf(load: Load, hosts: readonly Host[], runtime: ManualRuntime): Cluster {
  const rule = simClusterRule(load.balancer, load.outlier);
  const cluster = new Cluster(rule, { runtime, hash: load.hash, peers: ({ port }) => hosts[port]! });
  cluster.setEndpoints(load.hosts.map(({ weight }, port) => simEndpointRule('10.0.0.1', port, weight)));
  return cluster;
}

function exponential(runtime: ManualRuntime, mean: number): number {
  return -Math.log(1 - runtime.random()) * mean;
}

function hashKey(runtime: ManualRuntime): bigint {
  return (BigInt(Math.floor(runtime.random() * 2 ** 32)) << 32n) | BigInt(Math.floor(runtime.random() * 2 ** 32));
}
