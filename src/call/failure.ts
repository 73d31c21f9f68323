/**
 * Why a call did not get its reply. One table: code → Envoy's response flag and what the code means for retry, breaker,
 * ejection and budget. `docs/failures.md` shows it to people; a test holds the two together.
 */

/** How much of the request the upstream may have seen: nothing, perhaps something, it surely was there. */
export type Sent = 'no' | 'maybe' | 'yes';

/** Whose fault, for outlier detection: nobody's we could eject, our side of the wire, or the upstream's answer. */
export type Blame = 'none' | 'local' | 'external';

export interface FailureTraits {
  /** Envoy's `%RESPONSE_FLAGS%`. */
  readonly flag: string;
  /** What happened, in a sentence. */
  readonly summary: string;
  /** May be tried again: `never`, only while nothing was sent, or also when the operation is idempotent. */
  readonly retry: 'never' | 'unsent' | 'idempotent';
  /** Counts as a failure for the circuit breaker. */
  readonly breaks: boolean;
  /** What outlier detection learns about the endpoint. */
  readonly blame: Blame;
}

const never = { retry: 'never', breaks: false, blame: 'none' } as const;

export const FAILURES = {
  NO_SERVICE: { flag: 'NR', summary: 'no rule describes this destination', ...never },
  NO_RULES: { flag: 'NR', summary: 'no rules arrived in time', ...never },
  NO_SIDECAR: { flag: 'NSC', summary: 'only a sidecar could serve this destination, and there is none', ...never },
  NO_ROUTE: { flag: 'NR', summary: 'no route of the service matches the request', ...never },
  NO_CLUSTER: { flag: 'NC', summary: 'the route names a cluster that nobody describes', ...never },
  NO_ENDPOINT: { flag: 'UH', summary: 'the cluster has no usable endpoint', ...never, retry: 'unsent' },
  CONNECT_FAILED: {
    flag: 'UF',
    summary: 'no connection to the upstream could be made',
    retry: 'unsent',
    breaks: true,
    blame: 'local',
  },
  CONNECTION_LOST: {
    flag: 'UC',
    summary: 'the upstream connection ended before the reply',
    retry: 'idempotent',
    breaks: true,
    blame: 'local',
  },
  COLLATERAL: {
    flag: 'UC',
    summary: "another call's bad bytes ended the upstream connection",
    retry: 'idempotent',
    breaks: false,
    blame: 'none',
  },
  BAD_REPLY: {
    flag: 'UPE',
    summary: 'the upstream sent bytes that are no reply',
    retry: 'never',
    breaks: true,
    blame: 'external',
  },
  REPLY_TOO_LARGE: { flag: 'UPE', summary: 'the reply is over the size limit', ...never, breaks: true },
  BAD_REQUEST: { flag: 'DPE', summary: 'the request is not of the protocol, or over the size limit', ...never },
  /** Of what a call waits for when its deadline comes, attempts learn this: a timeout of our side, no cancellation. */
  DEADLINE: {
    flag: 'DT',
    summary: 'the call did not finish by its deadline',
    retry: 'never',
    breaks: true,
    blame: 'local',
  },
  ATTEMPT_TIMEOUT: {
    flag: 'UT',
    summary: 'the attempt was not answered in time',
    retry: 'idempotent',
    breaks: true,
    blame: 'local',
  },
  CIRCUIT_OPEN: { flag: 'UO', summary: 'the circuit breaker of the cluster is open', ...never },
  OVERFLOW: { flag: 'UO', summary: 'a limit on connections, pending or active requests is reached', ...never },
  RATE_LIMITED: { flag: 'RL', summary: 'a rate limit refuses the request', ...never },
  PACING_OVERFLOW: { flag: 'RL', summary: 'too many requests wait for their turn', ...never },
  FAULT: { flag: 'FI', summary: 'a fault was injected by a rule', ...never },
  DENIED: { flag: 'RBAC', summary: 'a rule does not let this peer do this', ...never },
  DRAINING: { flag: 'UO', summary: 'the mesh is closing', ...never, retry: 'unsent' },
  CANCELLED: { flag: 'DC', summary: 'the caller went away', ...never },
  ENCODE_FAILED: { flag: 'DPE', summary: 'the request cannot be put on the wire as the rules ask', ...never },
  HANDLER_FAILED: { flag: 'URX', summary: 'the local handler threw', ...never },
  INTERNAL: { flag: 'UMSDR', summary: 'a stage, codec or interceptor threw', ...never },
} as const satisfies Record<string, FailureTraits>;

export type FailureCode = keyof typeof FAILURES;

/**
 * What a fallback may answer: never a refusal by authorization, which it would be a way around, and not a caller who
 * left, since nobody waits for the answer.
 */
export const FALLBACK_CODES: readonly FailureCode[] = (Object.keys(FAILURES) as FailureCode[]).filter(
  (code) => code !== 'DENIED' && code !== 'CANCELLED',
);

export interface FailureDetail {
  /** What, where and what to do; follows the code in `message`. @defaultValue the table's summary */
  readonly reason?: string;
  /** @defaultValue 'no' */
  readonly sent?: Sent;
  /** The stage or layer that found it. */
  readonly role?: string;
  readonly cause?: unknown;
  /** After a stall of the event loop, of so many ms: then it counts in telemetry only. */
  readonly stallMs?: number;
}

/** A Failure travels as a value between stages, and as the Observable's error towards interceptors and at edges. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly sent: Sent;
  readonly role: string | undefined;
  readonly stallMs: number;

  /** Costs about what an object does: a Failure carries no stack, since refusing must be cheap. */
  constructor(code: FailureCode, detail: FailureDetail = {}) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(`${code}: ${detail.reason ?? FAILURES[code].summary}`);
    Error.stackTraceLimit = limit;
    this.code = code;
    this.sent = detail.sent ?? 'no';
    this.role = detail.role;
    this.stallMs = detail.stallMs ?? 0;
    if (detail.cause !== undefined) this.cause = detail.cause;
  }

  get traits(): FailureTraits {
    return FAILURES[this.code];
  }

  /** Anything thrown, as a Failure: itself if it is one, else {@link FAILURES.INTERNAL} with it as cause. */
  static from(thrown: unknown, role: string, code: FailureCode = 'INTERNAL'): Failure {
    if (thrown instanceof Failure) return thrown;
    const reason = `${role}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    return new Failure(code, { reason, role, cause: thrown });
  }
}

/** A guard that holds across several copies of the package. */
export function isFailure(value: unknown): value is Failure {
  return value instanceof Error && value.name === 'Failure' && (value as Failure).code in FAILURES;
}
