import { AsyncResource } from 'node:async_hooks';
import {
  type CallHandle,
  type CallSink,
  type Destination,
  type Dispatcher,
  type DownstreamPeer,
  Failure,
  NO_DEADLINE,
} from '../call/index.js';
import type { Message, Protocol } from '../message/index.js';
import { RoutedCall, type ServicePlan } from '../pipeline/index.js';
import type { RuleStore } from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';
import type { Logger } from '../telemetry/index.js';
import { Hold } from './hold.js';
import type { Placements } from './placement/index.js';
import type { Services } from './services.js';
import type { Singles } from './singles.js';
import { Target } from './target.js';
import type { MeshTelemetry } from './telemetry.js';

/** Destinations remembered; beyond, all are looked up anew. */
const MAX_TARGETS = 10_000;

export interface OutboundParts {
  readonly runtime: Runtime;
  readonly telemetry: MeshTelemetry;
  readonly store: RuleStore;
  readonly services: Services;
  readonly singles: Singles;
  readonly placements: Placements;
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly logger: Logger;
}

/** Calls of this process to services, each by the placement of its destination. */
export class Outbound {
  private readonly hold: Hold;
  private readonly targets = new Map<string, Map<number, Target>>();
  private closed = false;

  constructor(private readonly parts: OutboundParts) {
    this.hold = new Hold(parts.runtime.timers);
  }

  /** What waited may go on, if it need not any more. */
  release(): void {
    this.hold.release();
  }

  /** Calls are refused from here on. */
  close(): void {
    this.closed = true;
    this.release();
  }

  begin(target: Target, request: Message, sink: CallSink, timeoutMs?: number, peer?: DownstreamPeer): CallHandle {
    const deadlineAt = timeoutMs === undefined ? NO_DEADLINE : this.parts.runtime.now() + timeoutMs;
    return this.admit(target, request, sink, deadlineAt, peer);
  }

  dispatcher(target: Target): Dispatcher {
    return { dispatch: (request, sink, peer) => this.begin(target, request, sink, undefined, peer) };
  }

  target({ host, port }: Destination): Target {
    let ports = this.targets.get(host);
    if (ports === undefined) {
      if (this.targets.size >= MAX_TARGETS) this.forget();
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

  /** Destinations in use. */
  *[Symbol.iterator](): IterableIterator<Target> {
    for (const ports of this.targets.values()) yield* ports.values();
  }

  private forget(): void {
    this.targets.clear();
    this.parts.singles.clear();
    this.parts.placements.clear();
  }

  private waits(target: Target): boolean {
    return !this.closed && this.parts.placements.of(target).placement === 'waiting';
  }

  private admit(
    target: Target,
    request: Message,
    sink: CallSink,
    deadlineAt: number,
    peer: DownstreamPeer | undefined,
  ): CallHandle {
    if (this.waits(target)) return this.held(target, request, sink, deadlineAt, peer);
    return this.start(target, request, sink, deadlineAt, peer);
  }

  /** On its own, so that calls which need not wait allocate no context for its closures. */
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
      () => this.admit(target, request, sink, deadlineAt, peer),
      (failure) => this.refuse(target, request, sink, peer, failure),
    );
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
    if (sink instanceof AsyncResource) call.scope = sink;
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
    const { placed } = target;
    const { placement } = placed;
    if (placement === 'in-process') return target.plan(request);
    // What cannot be decoded cannot be encoded either: a sidecar takes its streams, and nobody its calls.
    const unreadable = target.protocol === undefined && target.described.length > 0;
    if (placement === 'refused' && !unreadable) return this.parts.placements.refusal(target);
    if (unreadable || !placed.ungoverned) return target.plan(request);
    return this.parts.singles.plan(target, placement === 'sidecar' ? placed.sidecar : target.destination);
  }
}

const ENDED: CallHandle = { cancel() {} };
