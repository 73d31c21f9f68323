import { channel } from 'node:diagnostics_channel';
import type { Attempt, Call, Outcome } from '../call/index.js';
import type { SourceState } from '../rules/index.js';

/**
 * What happens in the mesh, on `node:diagnostics_channel`: subscribe by name, `subscribe('meltemi:call:end', listener)`.
 * Where nobody listens an event costs reading one property. Listeners run at once, in the middle of things: they must be
 * quick, must not change what they are given, and may keep no Call or Attempt, which hold messages. What they throw
 * becomes an uncaught exception and disturbs no call.
 */
export interface EventChannel<T> {
  readonly name: string;
  /** Ask before building a payload. */
  readonly hasSubscribers: boolean;
  publish(payload: T): void;
}

export interface CallStart {
  readonly call: Call;
  /** Key of the service. */
  readonly service: string;
}

export interface CallEnd {
  readonly call: Call;
  readonly service: string;
  /** Undefined: no route was found. */
  readonly route: string | undefined;
  readonly cluster: string | undefined;
  readonly outcome: Outcome;
  readonly durationMs: number;
}

export interface AttemptEnd {
  readonly attempt: Attempt;
  readonly outcome: Outcome;
}

export interface ConnectionChange {
  /** `downstream`: they dialled us; `upstream`: we dialled them. */
  readonly side: 'downstream' | 'upstream';
  /** Of the other end, `host:port`. */
  readonly address: string;
  readonly protocol: string;
}

export interface ConnectionClose extends ConnectionChange {
  /** For people. */
  readonly reason: string;
}

export interface ConnectionProtocolError extends ConnectionChange {
  /** What the codec found; may quote what the peer sent. */
  readonly reason: string;
}

export interface CircuitChange {
  readonly cluster: string;
  readonly state: 'closed' | 'open' | 'half-open';
}

export interface EndpointEjected {
  readonly cluster: string;
  readonly address: string;
  /** Consecutive failures that led to it. */
  readonly failures: number;
  readonly forMs: number;
}

export interface EndpointRestored {
  readonly cluster: string;
  readonly address: string;
}

/** New rules are in force: calls that begin now obey them. */
export interface RulesApplied {
  /** All sources, by name, with commas between. */
  readonly source: string;
  /** Of the contents of all rules now in force. */
  readonly version: string;
  /** How many services are new, changed or gone. */
  readonly services: number;
  /** The same of clusters. */
  readonly clusters: number;
  /** The same of services' sets of endpoints. */
  readonly endpoints: number;
}

export interface RulesProblem {
  readonly source: string;
  /** What, where, and what to do. */
  readonly message: string;
}

export interface SourceTransition {
  readonly source: string;
  readonly state: SourceState;
  readonly before: SourceState;
  /** The source's own, of what it said last. */
  readonly version: string | undefined;
  /** Why, if it is not for the better. */
  readonly error: string | undefined;
}

export interface PlacementChange {
  /** `<host>:<port>`, as it is called. */
  readonly service: string;
  /** Undefined: this is its first placement. The same as `to`: only the reason is another. */
  readonly from: string | undefined;
  readonly to: string;
  readonly reason: string;
}

function named<T>(name: string): EventChannel<T> {
  return channel(name) as EventChannel<unknown>;
}

export const events = {
  callStart: named<CallStart>('meltemi:call:start'),
  callEnd: named<CallEnd>('meltemi:call:end'),
  attemptEnd: named<AttemptEnd>('meltemi:attempt:end'),
  connectionOpen: named<ConnectionChange>('meltemi:connection:open'),
  connectionClose: named<ConnectionClose>('meltemi:connection:close'),
  connectionProtocolError: named<ConnectionProtocolError>('meltemi:connection:protocol-error'),
  circuitChange: named<CircuitChange>('meltemi:circuit:change'),
  endpointEjected: named<EndpointEjected>('meltemi:endpoint:ejected'),
  endpointRestored: named<EndpointRestored>('meltemi:endpoint:restored'),
  rulesApplied: named<RulesApplied>('meltemi:rules:applied'),
  rulesProblem: named<RulesProblem>('meltemi:rules:problem'),
  sourceChange: named<SourceTransition>('meltemi:source:change'),
  placementChange: named<PlacementChange>('meltemi:placement:change'),
} as const;
