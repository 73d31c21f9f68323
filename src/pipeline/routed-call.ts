import {
  Call,
  type CallHandle,
  type CallSink,
  type Destination,
  type DownstreamPeer,
  Failure,
  NO_DEADLINE,
  NOBODY,
  type Outcome,
  type Pass,
  Reply,
  type Sent,
} from '../call/index.js';
import type { Message, Protocol } from '../message/index.js';
import type { Linked } from './active-calls.js';
import type { ChainOwner, InterceptorChain, Running, Start } from './interceptors.js';
import type { RoutedPass } from './pass-run.js';
import type { PassOwner } from './plan.js';
import type { ServicePlan } from './service-plan.js';

/**
 * The runner of calls, the entry plan: telemetry, interceptors before the route, match; then a pass. Settles exactly
 * once, whoever ends it.
 */
export class RoutedCall extends Call implements CallHandle, PassOwner, ChainOwner, Linked {
  newer: Linked | undefined = undefined;
  older: Linked | undefined = undefined;
  declare pass: RoutedPass | undefined;
  outcome: Outcome | undefined = undefined;
  private chain: Running | undefined = undefined;

  constructor(
    request: Message,
    protocol: Protocol,
    destination: Destination,
    sink: CallSink,
    peer: DownstreamPeer | undefined,
    readonly service: ServicePlan,
  ) {
    super(request, protocol, destination, sink, peer);
  }

  get settled(): boolean {
    return this.outcome !== undefined;
  }

  get sent(): Sent {
    return this.pass?.attempt?.sent ?? 'no';
  }

  start(): void {
    const { service } = this;
    service.enter(this);
    this.startedAt = this.now = service.runtime.now();
    service.meters.started(this);
    try {
      const wireDueAt = this.startedAt + (this.protocol.deadline?.(this.request) ?? NO_DEADLINE);
      if (wireDueAt < this.deadlineAt) this.deadlineAt = wireDueAt;
      if (service.beforeRoute === null) service.route(this, this, this);
      else this.intercept(service.beforeRoute);
    } catch (thrown) {
      this.end(Failure.from(thrown, 'entry'));
    }
  }

  private intercept(beforeRoute: InterceptorChain): void {
    const { service } = this;
    const start: Start = (call, owner) => {
      call.now = service.runtime.now();
      return service.route(call, owner, this);
    };
    const chain = beforeRoute.around(this, this, start, service.runtime.timers);
    if (this.outcome === undefined) this.chain = chain;
    else chain.end(this.outcome);
  }

  passEnded(_pass: Pass | undefined, outcome: Outcome): void {
    this.finish(outcome);
  }

  chainEnded(outcome: Outcome): void {
    this.chain = undefined;
    this.now = this.service.runtime.now();
    this.finish(outcome);
  }

  chainOverdue(stallMs: number): void {
    if (this.stream?.answered === true) return;
    const allowedMs = Math.round(this.deadlineAt - this.startedAt);
    const reason = `interceptors, with all that is inside them, did not end within the ${allowedMs} ms of the call`;
    const { sent } = this;
    const failure = new Failure('DEADLINE', { role: 'interceptors-before-route', reason, sent, stallMs });
    // First what is inside: interceptors may have an answer to that.
    this.pass?.end(failure);
    this.end(failure);
  }

  cancel(): void {
    if (this.settled) return;
    this.sink = NOBODY;
    this.end(new Failure('CANCELLED'));
  }

  /** Ends the call from outside. No effect once settled. */
  end(outcome: Outcome): void {
    if (this.settled) return;
    this.chain?.end(outcome);
    this.pass?.end(outcome);
    this.now = this.service.runtime.now();
    this.finish(outcome);
  }

  private finish(outcome: Outcome): void {
    if (this.settled) return;
    this.outcome = outcome;
    this.service.meters.ended(this, outcome);
    this.service.leave(this);
    if (outcome instanceof Reply) this.sink.reply(outcome);
    else this.sink.fail(outcome);
  }
}
