import type { Duplex } from 'node:stream';
import {
  type CallHandle,
  type CallSink,
  type Destination,
  type Dispatcher,
  type DownstreamPeer,
  Failure,
  NO_DEADLINE,
} from '../call/index.js';
import type { Peers, TransportSocket } from '../connection/index.js';
import type { Message, Protocol } from '../message/index.js';
import { RoutedCall, type ServicePlan } from '../pipeline/index.js';
import type { KeyedStateStore } from '../policy/index.js';
import type { RuleStore } from '../rules/index.js';
import type { Logger } from '../telemetry/index.js';
import type { Edges } from './edges.js';
import { Hold } from './hold.js';
import type { Services } from './services.js';
import { type SinglePlanParts, singlePlan, undescribedService } from './single-plan.js';
import { Target } from './target.js';

/** Destinations remembered; beyond, all are looked up anew. */
const MAX_TARGETS = 10_000;

export interface OutboundParts extends SinglePlanParts {
  readonly peers: Peers;
  readonly state: KeyedStateStore;
  readonly store: RuleStore;
  readonly services: Services;
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly logger: Logger;
  /** What becomes of calls to services that nobody describes, when the first rules did not come in time. */
  readonly onNoRules: 'direct' | 'fail';
  /** Why there are no first rules; undefined: there are. */
  readonly noRules: () => Error | undefined;
  readonly transport: TransportSocket;
  readonly edges: Edges;
}

/** Calls and streams of this process to services. */
export class Outbound {
  private readonly hold: Hold;
  private readonly targets = new Map<string, Map<number, Target>>();
  /** Plans of destinations that nobody describes. */
  private readonly directs = new Map<Target, ServicePlan>();
  private open = false;
  private closed = false;

  constructor(private readonly parts: OutboundParts) {
    this.hold = new Hold(parts.runtime.timers);
  }

  /** The rules are there, or will not come in time: calls that were held go on, and nothing goes around the rules. */
  release(): void {
    this.open = true;
    this.dropDirects();
    this.hold.release();
  }

  /** Calls are refused from here on. */
  close(): void {
    this.closed = true;
    this.release();
  }

  begin(target: Target, request: Message, sink: CallSink, timeoutMs?: number, peer?: DownstreamPeer): CallHandle {
    const deadlineAt = timeoutMs === undefined ? NO_DEADLINE : this.parts.runtime.now() + timeoutMs;
    if (this.open) return this.start(target, request, sink, deadlineAt, peer);
    return this.held(target, request, sink, deadlineAt, peer);
  }

  /** Until there are rules. On its own, so that calls after that allocate no context for its closures. */
  private held(
    target: Target,
    request: Message,
    sink: CallSink,
    deadlineAt: number,
    peer: DownstreamPeer | undefined,
  ): CallHandle {
    return this.hold.add(
      request,
      deadlineAt,
      () => this.start(target, request, sink, deadlineAt, peer),
      (failure) => this.refuse(target, request, sink, peer, failure),
    );
  }

  dispatcher(target: Target): Dispatcher {
    return { dispatch: (request, sink, peer) => this.begin(target, request, sink, undefined, peer) };
  }

  /** Serves a stream of one of our own clients, or passes it through where the destination is none of ours. */
  attach(stream: Duplex, target: Target): void {
    const { edges, transport } = this.parts;
    const { protocol } = target;
    if (protocol !== undefined) edges.serve(stream, protocol, this.dispatcher(target));
    else edges.pass(stream, transport.connect(target.destination));
  }

  target({ host, port }: Destination): Target {
    let ports = this.targets.get(host);
    if (ports === undefined) {
      if (this.targets.size >= MAX_TARGETS) {
        this.targets.clear();
        this.dropDirects();
      }
      ports = new Map();
      this.targets.set(host, ports);
    }
    let target = ports.get(port);
    if (target === undefined) {
      const { store, services, protocols, logger } = this.parts;
      target = new Target({ host, port }, store, services, protocols, (message) => logger.warn(message));
      ports.set(port, target);
    }
    return target;
  }

  private dropDirects(): void {
    for (const plan of this.directs.values()) plan.retire();
    this.directs.clear();
  }

  private start(
    target: Target,
    request: Message,
    sink: CallSink,
    deadlineAt: number,
    peer: DownstreamPeer | undefined,
  ): CallHandle {
    const plan = this.closed ? new Failure('DRAINING') : this.plan(target, request);
    if (plan instanceof Failure) {
      this.refuse(target, request, sink, peer, plan);
      return ENDED;
    }
    const call = new RoutedCall(request, plan.protocol, target.destination, sink, peer, plan);
    call.deadlineAt = deadlineAt;
    if ('runInAsyncScope' in sink) call.scope = sink as never;
    call.start();
    return call;
  }

  private refuse(
    target: Target,
    request: Message,
    sink: CallSink,
    peer: DownstreamPeer | undefined,
    failure: Failure,
  ): void {
    this.parts.telemetry.refused(request, target.protocol, target.destination, sink, peer, failure);
    sink.fail(failure);
  }

  private plan(target: Target, request: Message): ServicePlan | Failure {
    if (target.described.length > 0) return target.plan(request);
    const problem = this.parts.noRules();
    if (problem === undefined) return target.plan(request);
    if (this.parts.onNoRules === 'direct') return this.direct(target);
    return new Failure('NO_RULES', { role: 'resolve', reason: problem.message });
  }

  /** For want of rules: to where the call was addressed, in the mesh's only protocol. */
  private direct(target: Target): ServicePlan | Failure {
    let plan = this.directs.get(target);
    if (plan !== undefined) return plan;
    const [protocol, another] = this.parts.protocols.values();
    const { host, port } = target.destination;
    if (protocol === undefined || another !== undefined) {
      const reason = `no rules, and which protocol ${host}:${port} speaks cannot be told: the mesh has ${this.parts.protocols.size}`;
      return new Failure('NO_RULES', { role: 'resolve', reason });
    }
    const address = { host, port };
    const peer = () => this.parts.peers.acquire({ address, protocol });
    const single = { direction: 'outbound', cluster: `outbound|${port}||${host}`, address, peer } as const;
    const rule = undescribedService(host, port, protocol);
    plan = singlePlan(rule, protocol, single, this.parts.state.hold(), this.parts);
    this.directs.set(target, plan);
    return plan;
  }
}

const ENDED: CallHandle = { cancel() {} };
