import { type Attempt, Failure, type Outcome, type Sent } from '../call/index.js';
import { isoTime } from '../runtime/index.js';
import type { EndedCall } from './ended-call.js';
import { oneLine } from './logger.js';
import { type OutcomeName, outcomeName, responseFlags } from './outcomes.js';

/**
 * What became of one call, as data and in words. Made from the call, its pass and its attempts when somebody asks; holds no
 * message, and of attributes only what was asked for.
 */
export interface CallRecord {
  /** Unix ms. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** Key of the service. */
  readonly service: string;
  /** As the caller named it, `host:port`. */
  readonly destination: string;
  readonly operation: string;
  readonly protocol: string;
  /** Undefined: no route was found. */
  readonly route: string | undefined;
  readonly cluster: string | undefined;
  /** Which side of a weighted split it fell on, in [0, 1). */
  readonly draw: number;
  readonly outcome: OutcomeName;
  /** Of a failure: code, what, where, what to do. */
  readonly reason: string | undefined;
  readonly sent: Sent | undefined;
  /** The stage that refused it, if one did. */
  readonly refusedBy: string | undefined;
  readonly stallMs: number;
  /** In order; the first ones are left out if there are more than `MAX_ATTEMPTS`. */
  readonly attempts: readonly AttemptRecord[];
  /** Only the keys that were asked for; values unless they are to be shown as `<12 characters>`. */
  readonly attributes: readonly (readonly [key: string, value: string])[];
}

/** One attempt of a recorded call. */
export interface AttemptRecord {
  /** From 1. */
  readonly number: number;
  /** Undefined: it ended before it had one. */
  readonly endpoint: string | undefined;
  /** Endpoints that it could not be connected to before that one. */
  readonly unreachable: readonly string[];
  /** Undefined: it had not ended. */
  readonly outcome: OutcomeName | undefined;
  readonly reason: string | undefined;
  readonly sent: Sent;
  readonly refusedBy: string | undefined;
  /** From the start of the call. */
  readonly startedMs: number;
  readonly durationMs: number;
}

/** Attempts that a record shows. */
export const MAX_ATTEMPTS = 16;
/** Characters of a reason or operation, either of which may quote a peer. */
const MAX_TEXT = 400;

/** What a record keeps of a request's attributes, which may be secrets. */
export interface Shown {
  /** Attributes to remember. @defaultValue none */
  readonly keys?: readonly string[];
  /** Their values too, not only how long they are. @defaultValue false */
  readonly values?: boolean;
}

/** Walks back over the attempts. Costs a few microseconds. */
export function describeCall(ended: EndedCall, shown: Shown = {}): CallRecord {
  const { call, pass, outcome } = ended;
  const failure = outcome instanceof Failure ? outcome : undefined;
  return {
    startedAt: ended.startedAt,
    durationMs: ended.durationMs,
    service: ended.service,
    destination: `${call.destination.host}:${call.destination.port}`,
    operation: cut(operationOf(ended)),
    protocol: call.protocol.name,
    route: pass?.route,
    cluster: pass?.cluster,
    draw: call.draw,
    outcome: outcomeName(outcome),
    reason: failure === undefined ? undefined : cut(failure.message),
    sent: failure?.sent,
    refusedBy: pass === undefined ? failure?.role : pass.refusedBy,
    stallMs: failure?.stallMs ?? 0,
    attempts: attemptsOf(pass?.attempt, ended),
    attributes: (shown.keys ?? []).map((key): [string, string] => [key, attribute(ended, key, shown.values ?? false)]),
  };
}

function attemptsOf(newest: Attempt | undefined, ended: EndedCall): AttemptRecord[] {
  const attempts: AttemptRecord[] = [];
  for (let attempt = newest; attempt !== undefined && attempts.length < MAX_ATTEMPTS; attempt = attempt.previous) {
    const { outcome, tookUs } = attempt;
    const startedMs = attempt.startedUs / 1000;
    attempts.push({
      number: attempt.number,
      endpoint: attempt.target?.address,
      unreachable: (attempt.unreachable ?? []).map((target) => target.address),
      outcome: outcome === undefined ? undefined : outcomeName(outcome),
      reason: outcome instanceof Failure ? cut(outcome.message) : undefined,
      sent: attempt.sent,
      refusedBy: attempt.refusedBy,
      startedMs,
      durationMs: tookUs < 0 ? ended.durationMs - startedMs : tookUs / 1000,
    });
  }
  return attempts.reverse();
}

/** Readers of hostile bytes may throw; a record is made all the same. */
function operationOf({ call }: EndedCall): string {
  try {
    return call.request.operation;
  } catch {
    return '<unreadable>';
  }
}

function attribute({ call }: EndedCall, key: string, values: boolean): string {
  try {
    const value = call.get(key);
    if (value === undefined) return '<none>';
    return values ? cut(value) : `<${value.length} characters>`;
  } catch {
    return '<unreadable>';
  }
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}

function drawn(draw: number): string {
  return draw < 0 ? '' : ` (draw ${draw.toFixed(4)})`;
}

/** A line for the call, one for what it was routed by, one for each attempt. */
export function explainCall(record: CallRecord): string[] {
  const lines = [
    `${isoTime(record.startedAt)} ${record.protocol} ${record.operation} to ${record.destination}: ` +
      `${ending(record.outcome, record.reason)} after ${ms(record.durationMs)}`,
    record.route === undefined
      ? `service ${record.service}: no route`
      : `service ${record.service}, route '${record.route}', cluster ${record.cluster}${drawn(record.draw)}`,
  ];
  if (record.refusedBy !== undefined) lines.push(`refused by ${record.refusedBy}`);
  if (record.stallMs > 0) lines.push(`our own event loop was stalled for ${ms(record.stallMs)}: no upstream is blamed`);
  for (const [key, value] of record.attributes) lines.push(`${key}: ${value}`);
  const left = (record.attempts[0]?.number ?? 1) - 1;
  if (left > 0) lines.push(`${left} earlier attempts are not shown`);
  for (const attempt of record.attempts) lines.push(attemptLine(attempt));
  return lines.map(oneLine);
}

function attemptLine(attempt: AttemptRecord): string {
  const { number, endpoint, unreachable, outcome, reason, refusedBy } = attempt;
  const where = endpoint === undefined ? 'without an endpoint' : `at ${endpoint}`;
  const tried = unreachable.length === 0 ? '' : `, after ${unreachable.join(', ')} could not be reached`;
  const how = outcome === undefined ? 'had not ended' : ending(outcome, reason);
  const refused = refusedBy === undefined ? '' : `, refused by ${refusedBy}`;
  return (
    `attempt ${number} ${where}${tried}, from ${ms(attempt.startedMs)} on: ${how} after ${ms(attempt.durationMs)}` +
    `${refused} (sent: ${attempt.sent})`
  );
}

function ending(outcome: OutcomeName, reason: string | undefined): string {
  return reason === undefined ? outcome : `${reason} [${responseFlags(outcome)}]`;
}

function ms(duration: number): string {
  return `${duration.toFixed(3)} ms`;
}

/** Is it worth a place among the failures? What the caller itself gave up is not. */
export function isFault(outcome: Outcome): boolean {
  if (outcome instanceof Failure) return outcome.code !== 'CANCELLED';
  return outcome.status === 'framework' || outcome.status === 'rejected';
}
