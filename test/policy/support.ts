import { Attempt, Call, type CallSink, Failure, type Outcome, Pass, Reply } from '../../src/call/index.js';
import { Message, type MessageKind, type Protocol, type ReplyStatus } from '../../src/message/index.js';
import { type Gate, KeyedStateStore, type PlanScope } from '../../src/policy/index.js';
import {
  type AttributeMatch,
  type ClusterRule,
  effectivePolicy,
  type PolicyRule,
  type RouteRule,
  type ServiceRule,
} from '../../src/rules/index.js';
import type { Timer } from '../../src/runtime/index.js';
import { ManualRuntime } from '../../src/testing/index.js';

/** Calls, passes and attempts without a pipeline around them, for tests of single stages. */

const NO_SINK: CallSink = { reply() {}, fail() {} };

export const PROTOCOL: Protocol = {
  name: 'test',
  sharing: 'multiplexed',
  open() {
    throw new Error('no bytes in these tests');
  },
};

export function message(
  attributes: Record<string, string> = {},
  kind: MessageKind = 'request',
  operation = 'Demo/sayHello',
): Message {
  const values = new Map(Object.entries(attributes));
  const reader = {
    operation: () => operation,
    get: (_message: Message, key: string) => values.get(key),
    keys: () => values.keys(),
  };
  return new Message(kind, [], reader, 0, 42);
}

export function call(request: Message = message(), protocol = PROTOCOL): Call {
  return new Call(request, protocol, { host: 'demo', port: 20880 }, NO_SINK);
}

export class FakePass extends Pass {
  /** Whose timer it owns, if any. */
  timed: Gate<Pass> | undefined = undefined;
  readonly route = 'r1';
  settled = false;
  /** What `resume` was called with, in order. */
  readonly resumed: (Failure | undefined)[] = [];

  constructor(
    of: Call = call(),
    readonly cluster = 'outbound|20880|v1|demo',
  ) {
    super(of);
  }

  resume(refusal?: Failure): void {
    this.resumed.push(refusal);
  }

  override expired(timer: Timer): void {
    this.timed?.expired?.(this, timer);
  }

  end(outcome: Outcome): void {
    if (this.settled) return;
    this.settled = true;
    this.outcome = outcome;
  }
}

export class FakeAttempt extends Attempt {
  timed: Gate<Attempt> | undefined = undefined;
  settled = false;
  readonly resumed: (Failure | undefined)[] = [];
  readonly remainingMs = Number.POSITIVE_INFINITY;

  constructor(pass: Pass = new FakePass(), number = pass.attempts + 1) {
    super(pass, number, pass.attempt);
    pass.attempt = this;
  }

  resume(refusal?: Failure): void {
    this.resumed.push(refusal);
  }

  override expired(timer: Timer): void {
    this.timed?.expired?.(this, timer);
  }

  end(outcome: Outcome): void {
    if (this.settled) return;
    this.settled = true;
    this.outcome = outcome;
  }

  connected(): void {}
  refused(): void {}
  written(): void {}
  replied(): void {}
  lost(): void {}
}

export function reply(status: ReplyStatus = 'ok'): Reply {
  return new Reply(message({}, 'response'), status);
}

export function isRefused(verdict: unknown, code: string): boolean {
  return verdict instanceof Failure && verdict.code === code;
}

export interface ScopeOptions {
  readonly direction?: 'outbound' | 'inbound';
  readonly policy?: PolicyRule;
  readonly service?: Partial<ServiceRule>;
  readonly route?: Partial<RouteRule>;
  readonly cluster?: Partial<ClusterRule>;
  readonly runtime?: ManualRuntime;
  readonly state?: PlanScope['state'];
  readonly engines?: PlanScope['engines'];
  readonly mirror?: PlanScope['mirror'];
}

const FROM = { source: 'test', origin: 'test' };

/** A scope of one route to one cluster. `policy` is said by the route. */
export function scope(options: ScopeOptions = {}): PlanScope & { runtime: ManualRuntime } {
  const service: ServiceRule = {
    key: 'demo_20880',
    host: 'demo',
    port: 20880,
    portName: 'tcp-metaprotocol-test',
    protocol: 'test',
    addresses: [],
    serviceKey: undefined,
    routes: [],
    inboundRateLimit: undefined,
    workload: undefined,
    policy: {},
    resolution: 'STATIC',
    createdAt: 0,
    from: FROM,
    ...options.service,
  };
  const cluster: ClusterRule = {
    name: 'outbound|20880|v1|demo',
    host: 'demo',
    port: 20880,
    subset: 'v1',
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
    from: FROM,
    ...options.cluster,
  };
  const route: RouteRule = {
    name: 'r1',
    match: [],
    destinations: [{ cluster: cluster.name, weight: 1 }],
    mirrors: [],
    hashKeys: [],
    requestMutation: [],
    responseMutation: [],
    policy: options.policy ?? {},
    from: FROM,
    ...options.route,
  };
  return {
    sharing: 'multiplexed',
    direction: options.direction ?? 'outbound',
    service,
    route,
    cluster,
    policy: effectivePolicy(service, cluster, route),
    runtime: options.runtime ?? new ManualRuntime(),
    engines: options.engines ?? {},
    state: options.state ?? new KeyedStateStore().hold(),
    compile: (match) => (of) => match.every((it) => exact(it, of)),
    mirror: options.mirror ?? (() => {}),
  };
}

/** Enough of a matcher for the conditions in these tests. */
function exact(match: AttributeMatch, of: Call): boolean {
  if (match.kind !== 'exact') throw new Error('these tests match exactly');
  return of.get(match.key) === match.value;
}
