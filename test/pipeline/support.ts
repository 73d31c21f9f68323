import {
  type Attempt,
  type CallSink,
  type Connection,
  type Failure,
  type Outcome,
  type Pass,
  Reply,
} from '../../src/call/index.js';
import { type AttributeReader, Message, type Protocol } from '../../src/message/index.js';
import { RoutePlan, type Slots } from '../../src/pipeline/index.js';
import { type Gate, type Verdict, WAIT } from '../../src/policy/index.js';
import type { ClusterRule, RouteRule } from '../../src/rules/index.js';
import { Meters } from '../../src/telemetry/index.js';
import { ManualRuntime } from '../../src/testing/index.js';

const reader: AttributeReader = {
  operation: () => 'Demo/sayHello',
  get: (message, key) => (message.view as Map<string, string> | undefined)?.get(key),
  keys: (message) => (message.view as Map<string, string> | undefined)?.keys() ?? [],
};

export function message(kind: Message['kind'] = 'request', attributes: Record<string, string> = {}): Message {
  const made = new Message(kind, [Buffer.from('frame')], reader);
  made.view = new Map(Object.entries(attributes));
  return made;
}

export const protocol: Protocol = {
  name: 'test',
  sharing: 'multiplexed',
  open: () => {
    throw new Error('no bytes in these tests');
  },
};

export const from = { source: 'test', origin: 'test.yaml:1' };

export const routeRule: RouteRule = {
  name: 'r1',
  match: [],
  destinations: [{ cluster: 'outbound|1||demo', weight: 1 }],
  mirrors: [],
  hashKeys: [],
  requestMutation: [],
  responseMutation: [],
  policy: {},
  from,
};

export const clusterRule: ClusterRule = {
  name: 'outbound|1||demo',
  host: 'demo',
  port: 1,
  subset: '',
  endpointsKey: 'demo_1',
  labels: {},
  balancer: { kind: 'round-robin' },
  outlier: undefined,
  limits: {
    maxConnections: Number.POSITIVE_INFINITY,
    maxPendingRequests: Number.POSITIVE_INFINITY,
    maxRequests: Number.POSITIVE_INFINITY,
    maxRetries: Number.POSITIVE_INFINITY,
  },
  connectTimeoutMs: 1000,
  tlsMode: 'disabled',
  policy: {},
  from,
};

/** Writes down what the runner does with it. */
export class RecordingGate<T extends Pass | Attempt> implements Gate<T> {
  constructor(
    readonly name: string,
    readonly log: string[],
    private readonly verdict: (target: T) => Verdict = () => undefined,
  ) {}

  before(target: T): Verdict {
    this.log.push(`+${this.name}`);
    return this.verdict(target);
  }

  settled(_target: T, outcome: Outcome): void {
    this.log.push(`-${this.name} ${outcome instanceof Reply ? outcome.status : outcome.code}`);
  }
}

/** An upstream that answers when told to. */
export class FakeUpstream implements Connection {
  readonly sent: Attempt[] = [];
  readonly abandoned: Attempt[] = [];
  onSend: (attempt: Attempt) => void = () => {};

  send(attempt: Attempt): void {
    this.sent.push(attempt);
    attempt.sent = 'maybe';
    this.onSend(attempt);
  }

  abandon(attempt: Attempt): void {
    this.abandoned.push(attempt);
  }
}

export class Sink implements CallSink {
  readonly outcomes: Outcome[] = [];

  reply(reply: Reply): void {
    this.outcomes.push(reply);
  }

  fail(failure: Failure): void {
    this.outcomes.push(failure);
  }
}

export interface Bench {
  readonly runtime: ManualRuntime;
  readonly upstream: FakeUpstream;
  readonly log: string[];
  plan(slots?: Partial<Slots>): RoutePlan;
}

export function bench(): Bench {
  const runtime = new ManualRuntime();
  const upstream = new FakeUpstream();
  const log: string[] = [];
  /** Gives every attempt the fake upstream at once. */
  const balance = {
    before: (attempt: Attempt) => {
      log.push('+balance');
      attempt.connection = upstream;
      return undefined;
    },
    repick: () => WAIT,
    settled: (_attempt: Attempt, outcome: Outcome) => {
      log.push(`-balance ${outcome instanceof Reply ? outcome.status : outcome.code}`);
    },
  } as unknown as Slots['balance'];
  const none: Slots = {
    deadline: null,
    fallback: null,
    rateLimit: null,
    pacing: null,
    interceptors: null,
    mirror: null,
    retry: null,
    breaker: null,
    concurrency: null,
    balance,
    outlier: null,
    attemptTelemetry: null,
    attemptTimeout: null,
  };
  const meter = new Meters().route('demo_1', 'r1', 'outbound');
  const plan = (slots: Partial<Slots> = {}): RoutePlan =>
    new RoutePlan(runtime, routeRule, clusterRule, {}, { ...none, ...slots }, meter, null, undefined, undefined, () => {
      throw new Error('no fallback in this plan');
    });
  return { runtime, upstream, log, plan };
}
