import type { Duplex } from 'node:stream';
import type { Observable, Subscription } from 'rxjs';
import { type Destination, Failure, type Reply } from '../call/index.js';
import { systemNames } from '../cluster/index.js';
import { type Listener, Peers, plainTransport } from '../connection/index.js';
import type { Message, Protocol } from '../message/index.js';
import { ActiveCalls, setOnStageThrow } from '../pipeline/index.js';
import { Share } from '../policy/index.js';
import { checkRule, validateRule } from '../routing/index.js';
import { Adoption, type Rule, RuleStore } from '../rules/index.js';
import { type Runtime, systemRuntime, WorkQueue } from '../runtime/index.js';
import {
  type CallRecord,
  type Logger,
  type MetricSnapshot,
  snapshot,
  stderrLogger,
  withoutRepeats,
} from '../telemetry/index.js';
import { CallObservable, type CallOptions, type CallSubscription } from './call-observable.js';
import { Clusters } from './clusters.js';
import { Edges } from './edges.js';
import { MeshEngines } from './engines.js';
import { type Decision, explainDecision } from './explain.js';
import { type Front, type FrontOptions, PortFront } from './front.js';
import { type DescribedService, Governance } from './governance.js';
import { type ServeOptions, serveInbound } from './inbound.js';
import { Intake } from './intake.js';
import type { ListenOptions, MeshOptions } from './options.js';
import { Outbound } from './outbound.js';
import { byName, chainsOf } from './parts.js';
import { Placements } from './placement/index.js';
import { describePlan, type PlanDescription } from './plan-description.js';
import { type Remembered, remember } from './remember.js';
import { RuleChanges } from './rule-changes.js';
import { parseService } from './served.js';
import { Services } from './services.js';
import { Singles } from './singles.js';
import { type MeshStatus, statusOf } from './status.js';
import { Streams } from './streams.js';
import type { Target } from './target.js';
import { MeshTelemetry } from './telemetry.js';
import { tellCircuit, tellCluster, tellConnection } from './tell.js';

const INITIAL_TIMEOUT_MS = 10_000;
const DRAIN_MS = 10_000;

/**
 * A service mesh in this process: rules in, calls through. Make it with {@link createMesh}, or with `startMesh` of
 * `meltemi/node`, which brings protocols, engines and files.
 */
export class Mesh implements AsyncDisposable {
  private readonly runtime: Runtime;
  private readonly logger: Logger;
  private readonly protocols: ReadonlyMap<string, Protocol>;
  private readonly store: RuleStore;
  private readonly engines: MeshEngines;
  private readonly adoption: Adoption;
  private readonly peers: Peers;
  private readonly clusters: Clusters;
  private readonly services: Services;
  private readonly outbound: Outbound;
  private readonly streams: Streams;
  private readonly placements: Placements;
  private readonly governance: Governance;
  private readonly intake: Intake;
  private readonly remembered: Remembered | undefined;
  private readonly telemetry: MeshTelemetry;
  private readonly active = new ActiveCalls();
  private readonly edges: Edges;
  private readonly work: WorkQueue;
  private readonly share: Share;
  private readonly ruleChanges: RuleChanges;
  private readonly subscription: Subscription;
  private closing: Promise<void> | undefined;
  private isClosed!: () => void;
  /** Resolves when the mesh is closed, whoever closed it. */
  readonly closed: Promise<void> = new Promise((resolve) => {
    this.isClosed = resolve;
  });

  /** @internal use {@link createMesh} */
  constructor(private readonly options: MeshOptions) {
    const { interceptors = [] } = options;
    const { pool } = options.connections ?? {};
    this.runtime = options.runtime ?? systemRuntime();
    this.logger = withoutRepeats(options.logger ?? stderrLogger(this.runtime), this.runtime);
    this.protocols = byName(options.protocols);
    this.edges = new Edges(this.runtime, options.connections ?? {});
    const { accessLog, recorded } = options;
    // Not `this`: it outlives the mesh.
    const { logger } = this;
    setOnStageThrow((thrown) => logger.error(`a stage threw while it settled: ${String(thrown)}`));
    const work = new WorkQueue(this.runtime, (thrown) => logger.error(`rules could not be taken: ${String(thrown)}`));
    const engines = new MeshEngines(options.engines ?? {}, (error) => logger.error(error));
    this.engines = engines;
    const store = new RuleStore(this.runtime, work);
    this.work = work;
    this.store = store;
    // Those may ask for any, and nobody else looks at them before they are compiled.
    if (options.policies !== undefined && options.policies.length > 0) work.add(engines.loadAll());
    this.telemetry = new MeshTelemetry({ runtime: this.runtime, accessLog, recorded, sources: () => store.sources });
    const { runtime, protocols, active, telemetry } = this;
    const check = (rule: Rule) => checkRule(rule, engines, store.coming);
    this.adoption = new Adoption({ runtime, store, work, check, checkCluster: check });
    const transport = options.transport ?? plainTransport;
    this.peers = new Peers({ runtime, transport, listener: tellConnection, ...(pool && { pool }) });
    const { adoption, peers } = this;
    const names = options.names ?? (options.transport === undefined ? systemNames : undefined);
    const warn = (message: string) => logger.warn(message);
    const locality = options.node?.locality;
    const share = options.workers === undefined ? Share.whole : new Share(options.workers);
    this.share = share;
    this.clusters = new Clusters({
      store,
      adoption,
      peers,
      runtime,
      engines,
      onEvent: tellCluster,
      names,
      warn,
      locality,
      share,
      work,
    });
    const observe = options.mode === 'observe';
    const chains = chainsOf(interceptors, 'outbound');
    const parts = { runtime, engines, share, telemetry, active, observe, protocols, adoption, logger, ...chains };
    this.services = new Services({
      ...parts,
      policies: options.policies ?? [],
      clusters: this.clusters,
      onBreaker: tellCircuit,
    });
    const { state } = this.services;
    const singles = new Singles({ ...parts, peers, state });
    this.placements = new Placements({
      ...{ runtime, logger, options, rules: { clusters: adoption.clusters, endpoints: store.endpoints } },
      meter: telemetry.meters.placements,
      phase: () => (this.intake.open ? 'open' : this.intake.near ? 'waiting' : 'reading'),
      noRules: () => this.intake.noRules,
      owing: (key) => store.owing(key),
      answerWithinMs: options.initialTimeoutMs ?? INITIAL_TIMEOUT_MS,
      wanted: (key) => this.services.want(key),
      left: (target) => singles.drop(target as Target),
      release: () => this.release(),
    });
    const { clusters, services, placements, edges } = this;
    this.outbound = new Outbound({ ...parts, store, services, singles, placements });
    this.governance = new Governance({ store, protocols, placements, outbound: this.outbound });
    const dispatcher = (target: Target) => this.outbound.dispatcher(target);
    this.streams = new Streams({ placements, singles, protocols, transport, edges, dispatcher });
    this.ruleChanges = new RuleChanges({ store, clusters, services, placements, logger });
    adoption.follow(this.ruleChanges);
    this.subscription = store.changes.subscribe(() => placements.changed());
    this.subscription.add(store.statuses.subscribe(({ source }) => placements.told(source)));
    const timeoutMs = options.initialTimeoutMs ?? INITIAL_TIMEOUT_MS;
    const context = { runtime, inUse: this.services.inUse };
    const { lastGood } = options;
    const usable = (rule: Rule) => validateRule(rule, engines, store).length === 0;
    this.remembered = lastGood && remember(options.sources, { store: lastGood, runtime, adoption, usable });
    const { sources } = this.remembered ?? options;
    const onOpen = () => {
      placements.changed();
      this.release();
    };
    this.intake = new Intake(sources, store, context, timeoutMs, logger, onOpen, this.remembered?.read);
  }

  /**
   * Each change of the rules in force, once calls obey it; the value is the content version. As long as somebody follows it, a
   * change is named, by hashes of its rules, before it comes into force; else after.
   */
  get changes(): Observable<string> {
    return this.ruleChanges.obeyed;
  }

  /**
   * Resolves when every source has said all it has; last-good rules will do.
   * @throws Error - a source failed, with its problems, or was not in sync within `initialTimeoutMs`. The mesh goes on:
   * calls are decided by what rules there are, and by `onNoRules`.
   */
  async ready(): Promise<void> {
    await this.intake.opened;
    if (this.intake.problem !== undefined) throw this.intake.problem;
  }

  /**
   * Calls a service: one call for each subscription. Emits the reply and completes; a one-way call completes when its
   * bytes are written. Errors with a {@link Failure}; a business exception is a {@link Reply} with status `business`.
   * @throws RangeError - the timeout is negative, or no number
   * @throws TypeError - the message opens a stream: these come in by {@link connect}, {@link listen} and {@link serve}
   */
  call(destination: Destination, message: Message, options: CallOptions = {}): Observable<Reply> {
    const { timeoutMs = 0 } = options;
    if (!(timeoutMs >= 0)) throw new RangeError(`timeoutMs is ${timeoutMs}; it must be at least 0`);
    if (message.kind === 'stream-open')
      throw new TypeError('call makes calls; for a stream use connect, listen or serve');
    return new CallObservable(this.begin, destination, message, options);
  }

  /**
   * A stream to a service, for client libraries that take one: no socket, no port. To a destination that no rule
   * describes it is a plain TCP connection. Emits `connect` on the next tick, since some of them send nothing before it.
   */
  connect(host: string, port: number): Duplex {
    return this.streams.connect(this.outbound.target({ host, port }));
  }

  /**
   * Takes the far end of a stream within this process, whose client meant the destination: what {@link connect} does, for
   * hosts that bring a pair of their own. A stream that cannot be taken is destroyed with the {@link Failure}.
   * @param stream - half-open; nobody else may read it, or write to it
   * @param connected - called when a client's connect has succeeded: at once if the stream is served here; once the
   * other end is connected if it is passed on. What is refused there destroys the stream with the error instead.
   */
  attach(stream: Duplex, { host, port }: Destination, connected?: () => void): void {
    this.streams.attach(stream, this.outbound.target({ host, port }), connected);
  }

  /**
   * Does this mesh take what is addressed there: by a service's host name, virtual address, or the address of one of its
   * endpoints? It does if it reads what the service speaks, or a sidecar does that it knows; whether calls succeed
   * there is another matter. By what rules say at the moment: see {@link ready}. A few look-ups, nothing is compiled.
   * @param port - without it: has the host a port of which this is true? Of addresses and of what wildcard hosts
   * cover only ports can be asked.
   */
  governs(host: string, port?: number): boolean {
    return this.governance.governs(host, port);
  }

  /** Services of the mesh that rules describe, whether it can read what they speak or not: of a host, or all. */
  described(host?: string): readonly DescribedService[] {
    return this.governance.described(host);
  }

  /**
   * A port for clients that cannot be given a stream: what they send goes to the service as if they had called it.
   * @throws Error - the port cannot be listened on, no protocol is known for the service, or the mesh is closed
   */
  async listen(options: ListenOptions): Promise<Listener> {
    return this.streams.listen(this.outbound.target(parseService(options.service)), options);
  }

  /**
   * Stands in front of a handler, or of the app's own port, with the rules for the serving side: MetaRouter's rate
   * limits, and interceptors for inbound calls.
   */
  async serve(options: ServeOptions): Promise<Listener> {
    await this.intake.opened;
    if (this.closing !== undefined) throw new Failure('DRAINING');
    return serveInbound(options, { ...this.inbound(), peers: this.peers });
  }

  /**
   * The serving side of a port that the app itself listens on: {@link serve} without a listener, for hosts that have the
   * streams which the app's server accepts. Which rules hold follows from the port, and again when they change: ask
   * {@link Front.governed} for each stream. Before the first rules nothing is governed; see {@link ready}.
   * @throws TypeError - the port is no port, or the service not `<host>:<port>`
   */
  front(options: FrontOptions): Front {
    return new PortFront(options, { ...this.inbound(), pool: this.options.connections?.pool });
  }

  /**
   * What would become of a call with these attributes, and why: for people and tools. Makes no call and moves no
   * counter, balancer or limit.
   * @param draw - in [0, 1): where weights are drawn. @defaultValue 0
   */
  explain(destination: Destination, attributes: Readonly<Record<string, string>>, draw = 0): Decision {
    const target = this.outbound.target(destination);
    return explainDecision(target, this.placements.status(target), attributes, draw, this.clusters);
  }

  /** The compiled plans of a service: each route's stages, in order, with what they are set to. */
  plan(destination: Destination): readonly PlanDescription[] {
    const target = this.outbound.target(destination);
    return describePlan(target, this.placements.status(target), this.share);
  }

  /** All counters: names and units are in `docs/observability.md`. */
  metrics(): readonly MetricSnapshot[] {
    return snapshot(this.telemetry.meters);
  }

  /**
   * The last failures, newest first, and the slowest calls of the last minutes, slowest first. `docs/observability.md`
   * says what is kept of them; {@link explainCall} puts one into words.
   */
  get records(): { readonly failures: readonly CallRecord[]; readonly slowest: readonly CallRecord[] } {
    const { recorder } = this.telemetry;
    return { failures: recorder.failures(), slowest: recorder.slowest() };
  }

  /** What the mesh is doing now. */
  get status(): MeshStatus {
    const placements = [...this.outbound].map((target) => this.placements.status(target));
    return statusOf(
      placements,
      this.runtime,
      this.store,
      this.adoption,
      this.clusters,
      this.active,
      this.services.state,
      this.edges.status,
    );
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

  private readonly begin = (
    destination: Destination,
    message: Message,
    sink: CallSubscription,
    timeoutMs: number | undefined,
  ) => this.outbound.begin(this.outbound.target(destination), message, sink, timeoutMs);

  private inbound() {
    const { runtime, engines, share, telemetry, active, adoption, protocols, logger, edges, store } = this;
    const { interceptors = [], node = {}, mode } = this.options;
    return {
      ...{ runtime, engines, share, telemetry, active, adoption, protocols, logger, edges, store, node },
      observe: mode === 'observe',
      state: this.services.state,
      changes: this.ruleChanges.changes,
      ...chainsOf(interceptors, 'inbound'),
    };
  }

  private async shutDown(drainMs: number): Promise<void> {
    this.outbound.close();
    this.streams.close();
    this.placements.close();
    this.intake.close();
    const stored = this.remembered?.stored();
    this.work.close();
    this.subscription.unsubscribe();
    // Before the edges' own: who still waits at the end of the drain is told, and then closed.
    const reason = `the mesh was closed ${drainMs} ms ago`;
    const timer = this.runtime.timers.arm(drainMs, {
      expired: () => this.active.endAll((sent) => new Failure('DRAINING', { reason, sent })),
    });
    timer.ref();
    const closed = this.edges.close(drainMs);
    await this.active.idle();
    timer.cancel();
    this.services.close();
    await Promise.all([stored, closed, this.peers.drain(0)]);
    this.adoption.close();
    this.ruleChanges.close();
    this.telemetry.close();
    this.isClosed();
  }

  private release(): void {
    this.outbound.release();
    this.streams.release();
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
