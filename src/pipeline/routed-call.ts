import {
  Call,
  type CallHandle,
  type CallSink,
  type Destination,
  type DownstreamPeer,
  Failure,
  NOBODY,
  type Outcome,
  type Pass,
  Reply,
} from '../call/index.js';
import type { Message, Protocol } from '../message/index.js';
import type { Linked } from './active-calls.js';
import type { ChainOwner, Running } from './interceptors.js';
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

  start(): void {
    const { service } = this;
    service.enter(this);
    this.startedAt = service.runtime.now();
    service.meters.started(this);
    const wireMs = this.protocol.deadline?.(this.request);
    if (wireMs !== undefined) this.deadlineAt = Math.min(this.deadlineAt, this.startedAt + wireMs);
    if (service.beforeRoute === null) {
      service.route(this, this, this.startedAt);
      return;
    }
    const chain = service.beforeRoute.around(this, this, (call, owner) =>
      service.route(call as RoutedCall, owner, service.runtime.now()),
    );
    if (this.outcome === undefined) this.chain = chain;
    else chain.end(this.outcome);
  }

  passEnded(pass: Pass | undefined, outcome: Outcome): void {
    this.finish(outcome, pass === undefined ? this.startedAt : pass.now);
  }

  chainEnded(outcome: Outcome): void {
    this.chain = undefined;
    this.finish(outcome, this.service.runtime.now());
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
    this.finish(outcome, this.service.runtime.now());
  }

  private finish(outcome: Outcome, now: number): void {
    if (this.settled) return;
    this.outcome = outcome;
    this.service.meters.ended(this, outcome, now);
    this.service.leave(this);
    if (outcome instanceof Reply) this.sink.reply(outcome);
    else this.sink.fail(outcome);
  }
}
