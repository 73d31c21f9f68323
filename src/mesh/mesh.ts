import type { Duplex } from 'node:stream';
import { map, type Observable, type Subscription } from 'rxjs';
import {
  type CallHandle,
  type CallSink,
  type Destination,
  type Dispatcher,
  type DownstreamPeer,
  Failure,
  type Reply,
} from '../call/index.js';
import {
  ByteBudget,
  type Downstream,
  inProcessDuplex,
  Peers,
  passThrough,
  plainTransport,
  serve,
} from '../connection/index.js';
import type { Message, Protocol } from '../message/index.js';
import { ActiveCalls, compileChain, RoutedCall } from '../pipeline/index.js';
import type { BreakerState } from '../policy/index.js';
import { validateRule } from '../routing/index.js';
import { Adoption, type AdoptionChange, RuleStore, type SourceStatus, watchSource } from '../rules/index.js';
import { type Runtime, systemRuntime } from '../runtime/index.js';
import { type Logger, stderrLogger, withoutRepeats } from '../telemetry/index.js';
import { CallObservable, type CallOptions } from './call-observable.js';
import { Clusters } from './clusters.js';
import { Hold } from './hold.js';
import type { MeshOptions } from './options.js';
import { Services } from './services.js';
import { Target } from './target.js';
import { MeshTelemetry } from './telemetry.js';

const INITIAL_TIMEOUT_MS = 10_000;
const DRAIN_MS = 10_000;
/** Destinations remembered; beyond, all are looked up anew. */
const MAX_TARGETS = 10_000;

/** What status tells of a mesh. */
export interface MeshStatus {
  readonly sources: readonly SourceStatus[];
  /** Content version of the rules in force. */
  readonly version: string;
  readonly activeCalls: number;
  /** Circuit breakers that have moved at least once, by cluster. */
  readonly circuits: ReadonlyMap<string, BreakerState>;
}

/**
 * A service mesh in this process: rules in, calls through. Make it with {@link createMesh}, or with `startMesh` of
 * `meltemi/node`, which brings protocols, engines and files.
 */
export class Mesh {
  private readonly runtime: Runtime;
  private readonly logger: Logger;
  private readonly protocols: ReadonlyMap<string, Protocol>;
  private readonly store = new RuleStore();
  private readonly adoption: Adoption;
  private readonly peers: Peers;
  private readonly clusters: Clusters;
  private readonly services: Services;
  private readonly telemetry = new MeshTelemetry();
  private readonly active = new ActiveCalls();
  private readonly budget: ByteBudget;
  private readonly hold = new Hold();
  private readonly targets = new Map<string, Map<number, Target>>();
  private readonly circuits = new Map<string, BreakerState>();
  private readonly downstreams = new Set<Downstream>();
  private readonly subscriptions: Subscription[] = [];
  private readonly opened: Promise<void>;
  /** Calls are no longer held. */
  private open = false;
  private closing: Promise<void> | undefined;
  /** What came of waiting for the first rules; undefined: all sources are in sync. */
  private notReady: Error | undefined;

  /** @internal use {@link createMesh} */
  constructor(private readonly options: MeshOptions) {
    const { interceptors = [], engines = {} } = options;
    const { pool, maxHeldBytes } = options.connections ?? {};
    this.budget = new ByteBudget(maxHeldBytes);
    this.runtime = options.runtime ?? systemRuntime();
    this.logger = withoutRepeats(options.logger ?? stderrLogger(this.runtime), this.runtime);
    this.protocols = byName(options.protocols);
    this.adoption = new Adoption({
      runtime: this.runtime,
      store: this.store,
      check: (service) => validateRule(service, engines),
    });
    this.peers = new Peers({ runtime: this.runtime, ...(pool === undefined ? {} : { pool }) });
    this.clusters = new Clusters({
      store: this.store,
      adoption: this.adoption,
      peers: this.peers,
      runtime: this.runtime,
      hash: engines.hash,
      onEvent: () => {},
    });
    this.services = new Services({
      runtime: this.runtime,
      engines,
      protocols: this.protocols,
      adoption: this.adoption,
      clusters: this.clusters,
      beforeRoute: compileChain(interceptors, 'before-route', 'outbound'),
      routed: compileChain(interceptors, 'routed', 'outbound'),
      telemetry: this.telemetry,
      active: this.active,
      logger: this.logger,
      onBreaker: (cluster, state) => this.circuits.set(cluster, state),
    });
    this.subscriptions.push(this.adoption.changes.subscribe((change) => this.adopted(change)));
    this.opened = this.follow();
  }

  /** Each change of the rules in force, once calls obey it; the value is the content version. */
  get changes(): Observable<string> {
    return this.adoption.changes.pipe(map((change) => change.version));
  }

  /**
   * Resolves when every source has said all it has.
   * @throws Error - a source failed, with its problems, or was not in sync within `initialTimeoutMs`. The mesh goes on:
   * calls are decided by what rules there are, and by `onNoRules`.
   */
  async ready(): Promise<void> {
    await this.opened;
    if (this.notReady !== undefined) throw this.notReady;
  }

  /**
   * Calls a service: one call for each subscription. Emits the reply and completes; a one-way call completes when its
   * bytes are written. Errors with a {@link Failure}; a business exception is a {@link Reply} with status `business`.
   */
  call(destination: Destination, message: Message, options: CallOptions = {}): Observable<Reply> {
    return new CallObservable(this.begin, destination, message, options);
  }

  /**
   * A stream to a service, for client libraries that take one: no socket, no port. To a destination that no rule
   * describes it is a plain TCP connection.
   */
  connect(host: string, port: number): Duplex {
    const target = this.target(host, port);
    if (this.open && target.described.length === 0) return plainTransport.connect({ host, port });
    const [client, server] = inProcessDuplex({ host, port });
    if (this.open) this.attach(server, target);
    else void this.opened.then(() => this.attach(server, target));
    return client;
  }

  get status(): MeshStatus {
    return {
      sources: this.store.sources,
      version: this.store.version,
      activeCalls: this.active.count,
      circuits: this.circuits,
    };
  }

  /**
   * Ends in order: no new calls, those under way may finish within `drainMs`, then connections close.
   * @param options.drainMs - defaults to 10,000
   */
  close(options: { readonly drainMs?: number } = {}): Promise<void> {
    this.closing ??= this.shutDown(options.drainMs ?? DRAIN_MS);
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async shutDown(drainMs: number): Promise<void> {
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    const draining = [...this.downstreams].map((downstream) => downstream.drain(drainMs));
    const timer = this.runtime.timers.arm(drainMs, {
      expired: () =>
        this.active.endAll(new Failure('DRAINING', { reason: `the mesh was closed, and ${drainMs} ms are over` })),
    });
    await this.active.idle();
    timer.cancel();
    await Promise.all([...draining, this.peers.drain(0)]);
    this.services.close();
    this.adoption.close();
  }

  private readonly begin = (
    destination: Destination,
    message: Message,
    sink: CallSink,
    timeoutMs: number | undefined,
  ): CallHandle => {
    const target = this.target(destination.host, destination.port);
    if (this.open) return this.start(target, message, sink, undefined, timeoutMs);
    return this.hold.add(message, sink, () => this.start(target, message, sink, undefined, timeoutMs));
  };

  private start(
    target: Target,
    message: Message,
    sink: CallSink,
    peer: DownstreamPeer | undefined,
    timeoutMs: number | undefined,
  ): CallHandle {
    if (this.closing !== undefined) return refuse(sink, new Failure('DRAINING'));
    const protocol = this.protocolOf(target);
    const plan = protocol === undefined ? target.unknown() : target.plan(message, protocol);
    if (plan instanceof Failure) return refuse(sink, plan);
    const call = new RoutedCall(message, protocol!, target.destination, sink, peer, plan);
    if (timeoutMs !== undefined) call.deadlineAt = this.runtime.now() + timeoutMs;
    if ('runInAsyncScope' in sink) call.scope = sink as never;
    call.start();
    return call;
  }

  private protocolOf(target: Target): Protocol | undefined {
    const name = target.described[0]?.protocol;
    return name === undefined ? undefined : this.protocols.get(name);
  }

  private target(host: string, port: number): Target {
    let ports = this.targets.get(host);
    if (ports === undefined) {
      if (this.targets.size >= MAX_TARGETS) this.targets.clear();
      ports = new Map();
      this.targets.set(host, ports);
    }
    let target = ports.get(port);
    if (target === undefined) {
      target = new Target({ host, port }, this.store, this.services, (message) => this.logger.warn(message));
      ports.set(port, target);
    }
    return target;
  }

  /** Serves a stream of a client of ours, or passes it through where the destination is none of ours. */
  private attach(stream: Duplex, target: Target): void {
    const protocol = this.protocolOf(target);
    if (protocol === undefined) {
      passThrough(stream, plainTransport.connect(target.destination));
      return;
    }
    const dispatcher: Dispatcher = {
      dispatch: (request, sink, peer) => this.start(target, request, sink, peer, undefined),
    };
    const downstream = serve(stream, protocol, dispatcher, { runtime: this.runtime, budget: this.budget });
    this.downstreams.add(downstream);
    void downstream.closed.then(() => this.downstreams.delete(downstream));
  }

  private adopted(change: AdoptionChange): void {
    this.clusters.apply(change);
    this.services.apply(change);
    for (const { wanted, problems, unknown } of change.held) {
      const why =
        problems.length > 0 ? problems.map((it) => it.message).join('; ') : `nobody describes ${unknown.join(', ')}`;
      this.logger.warn(`${wanted.from.origin}: the routes before stay in force: ${why}`);
    }
  }

  /** Follows the sources; resolves when calls need not be held any longer. */
  private follow(): Promise<void> {
    const { initialTimeoutMs = INITIAL_TIMEOUT_MS } = this.options;
    return new Promise((resolve) => {
      const finish = (problem?: Error): void => {
        if (this.open) return;
        timer.cancel();
        this.notReady = problem;
        this.open = true;
        this.hold.release();
        resolve();
      };
      const timer = this.runtime.timers.arm(initialTimeoutMs, {
        expired: () => finish(new Error(`no rules within ${initialTimeoutMs} ms from ${this.silent().join(', ')}`)),
      });
      timer.ref();
      this.subscriptions.push(
        this.store.statuses.subscribe((status) => {
          for (const problem of status.problems) this.logger.warn(`source ${status.name}: ${problem}`);
          if (status.failed) finish(new Error(`source ${status.name} failed: ${status.problems.join('; ')}`));
          else if (this.store.synced) finish();
        }),
      );
      for (const source of this.options.sources) this.store.register(source);
      for (const source of this.options.sources) this.subscriptions.push(watchSource(this.store, source));
      if (this.store.synced) finish();
    });
  }

  private silent(): string[] {
    return this.store.sources.filter((it) => !it.synced).map((it) => it.name);
  }
}

/**
 * A mesh of your own parts. Nothing is loaded but what is passed; `startMesh` of `meltemi/node` is the one with
 * batteries. Sources are followed at once; see {@link Mesh.ready}.
 * @throws Error - two protocols or interceptors of one name, or interceptors that stand in a circle
 */
export function createMesh(options: MeshOptions): Mesh {
  return new Mesh(options);
}

function byName(protocols: readonly Protocol[]): ReadonlyMap<string, Protocol> {
  const map = new Map<string, Protocol>();
  for (const protocol of protocols) {
    if (map.has(protocol.name)) throw new Error(`two protocols are named '${protocol.name}'`);
    map.set(protocol.name, protocol);
  }
  return map;
}

const ENDED: CallHandle = { cancel() {} };

function refuse(sink: CallSink, failure: Failure): CallHandle {
  sink.fail(failure);
  return ENDED;
}
