import { Failure, type FailureCode } from '../call/index.js';
import { formatWireId } from '../message/index.js';
import { isoTime } from '../runtime/index.js';
import type { EndedCall } from './ended-call.js';
import { oneLine } from './logger.js';
import { type OutcomeName, outcomeName, responseFlags } from './outcomes.js';

/**
 * Envoy's access-log format, compiled once: text with `%OPERATOR%`, `%OPERATOR(argument)%` and, to cut values,
 * `%OPERATOR(argument):length%`; `%%` is a percent sign. An operator that is not known is an error, never a literal.
 *
 * Where MetaProtocol differs from Envoy: RESPONSE_CODE is 0 for every reply and 1 for what has none. Where we differ from
 * MetaProtocol: BYTES_RECEIVED is the request and BYTES_SENT the reply, as Envoy has it (MetaProtocol swaps them), and
 * flags, route name and details are filled.
 */

/** One operator, bound to its argument. Undefined: there is no such value. */
export type Field = (ended: EndedCall) => string | number | undefined;

/** A format: literal text and fields in turn. */
export type Segments = readonly (string | Field)[];

/** Keys whose values are not logged unless the configuration says otherwise. */
export const REDACTED_KEYS: readonly string[] = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'api-key',
  'token',
  'access-token',
  'password',
  'secret',
];
const REDACTED = '<redacted>';

/** Longest value that is logged, in characters: a line must not be as long as a peer likes. */
const MAX_VALUE = 1024;

const PLAIN: Readonly<Record<string, Field>> = {
  START_TIME: (ended) => isoTime(ended.startedAt),
  DURATION: (ended) => Math.round(ended.durationMs),
  PROTOCOL: (ended) => ended.call.protocol.name,
  OPERATION: (ended) => ended.call.request.operation,
  ROUTE_NAME: (ended) => ended.pass?.route,
  UPSTREAM_CLUSTER: (ended) => ended.pass?.cluster,
  UPSTREAM_HOST: (ended) => ended.pass?.attempt?.target?.address,
  UPSTREAM_REQUEST_ATTEMPT_COUNT: (ended) => ended.pass?.attempts ?? 0,
  UPSTREAM_TRANSPORT_FAILURE_REASON: ({ outcome }) => {
    return outcome instanceof Failure && outcome.code === 'CONNECT_FAILED' ? outcome.message : undefined;
  },
  RESPONSE_CODE: ({ outcome }) => (outcome instanceof Failure ? 1 : 0),
  RESPONSE_CODE_DETAILS: ({ outcome }) => details(outcomeName(outcome)),
  RESPONSE_FLAGS: ({ outcome }) => responseFlags(outcomeName(outcome)),
  BYTES_RECEIVED: (ended) => ended.call.request.size,
  BYTES_SENT: ({ outcome }) => (outcome instanceof Failure ? 0 : (outcome.message?.size ?? 0)),
  DOWNSTREAM_REMOTE_ADDRESS: (ended) => ended.call.peer?.address,
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: (ended) => ended.call.peer?.address.replace(/:\d+$/, ''),
  DOWNSTREAM_LOCAL_ADDRESS: ({ call }) => `${call.destination.host}:${call.destination.port}`,
  REQUEST_ID: ({ call }) => call.get('x-request-id') ?? (call.protocol.formatId ?? formatWireId)(call.request),
};

const WITH_KEY: Readonly<Record<string, (key: string) => Field>> = {
  REQ: (key) => (ended) =>
    ended.call.getLower(key) ?? (key === 'x-meta-protocol-application-protocol' ? ended.call.protocol.name : undefined),
  RESP:
    (key) =>
    ({ outcome }) =>
      outcome instanceof Failure ? undefined : outcome.get(key),
};

/** For messages and docs. */
export const OPERATORS: readonly string[] = [
  ...Object.keys(PLAIN),
  ...Object.keys(WITH_KEY).map((name) => `${name}(KEY)`),
];

/** @throws {@link Error} - the format has an operator that does not exist, or is not one. Names it and lists those there are. */
export function compileFormat(format: string, redacted: readonly string[] = REDACTED_KEYS): Segments {
  const hidden = new Set(redacted.map((key) => key.toLowerCase()));
  const segments: (string | Field)[] = [];
  let literal = '';
  for (let at = 0; at < format.length; ) {
    const percent = format.indexOf('%', at);
    literal += format.slice(at, percent < 0 ? format.length : percent);
    if (percent < 0) break;
    const end = format.indexOf('%', percent + 1);
    if (end < 0) throw problem(format, percent, `'${format.slice(percent)}' has no closing %; %% is a percent sign`);
    if (end === percent + 1) literal += '%';
    else {
      if (literal !== '') segments.push(literal);
      literal = '';
      segments.push(operator(format, percent, format.slice(percent + 1, end), hidden));
    }
    at = end + 1;
  }
  if (literal !== '') segments.push(literal);
  return segments;
}

const OPERATOR = /^([A-Z_]+)(?:\(([^)]*)\))?(?::(\d+))?$/;

function operator(format: string, at: number, text: string, hidden: ReadonlySet<string>): Field {
  const [, name = '', argument, length] = OPERATOR.exec(text) ?? [];
  const limit = length === undefined ? MAX_VALUE : Math.min(Number(length), MAX_VALUE);
  if (Object.hasOwn(WITH_KEY, name)) {
    const [key, other, ...more] = (argument ?? '').toLowerCase().split('?');
    if (!key || other === '' || more.length > 0) {
      throw problem(format, at, `%${name}% wants a key, %${name}(KEY)%, and perhaps another one, %${name}(KEY?OTHER)%`);
    }
    const fields = [key, ...(other === undefined ? [] : [other])].map((of) => attribute(name, of, hidden));
    return (ended) => cut(fields[0]!(ended) ?? fields[1]?.(ended), limit);
  }
  if (!Object.hasOwn(PLAIN, name)) {
    throw problem(format, at, `there is no operator %${text}%; there are ${OPERATORS.join(', ')}`);
  }
  if (argument !== undefined) throw problem(format, at, `%${name}% takes no argument here`);
  const field = PLAIN[name]!;
  return (ended) => cut(field(ended), limit);
}

function attribute(name: string, key: string, hidden: ReadonlySet<string>): Field {
  const field = WITH_KEY[name]!(key);
  return hidden.has(key) ? (ended) => (field(ended) === undefined ? undefined : REDACTED) : field;
}

function cut(value: string | number | undefined, limit: number): string | number | undefined {
  return typeof value === 'string' && value.length > limit ? value.slice(0, limit) : value;
}

function problem(format: string, at: number, what: string): Error {
  return new Error(`access log format, at ${at} of '${format}': ${what}`);
}

/** Upstream's words where it has some. */
const DETAILS: ReadonlyMap<OutcomeName, string> = new Map([
  ['NO_ROUTE', 'no_matched_route'],
  ['NO_CLUSTER', 'unknown_cluster'],
  ['NO_ENDPOINT', 'no_healthy_upstream'],
] satisfies [FailureCode, string][]);

function details(name: OutcomeName): string | undefined {
  if (name === 'ok' || name === 'written') return undefined;
  return DETAILS.get(name) ?? name.toLowerCase();
}

/** A line of text. Missing values are `-`; quotes, backslashes and control characters in values are escaped. */
export function renderText(segments: Segments, ended: EndedCall): string {
  let line = '';
  for (const segment of segments) {
    if (typeof segment === 'string') line += segment;
    else line += safe(segment(ended));
  }
  return line;
}

function safe(value: string | number | undefined): string {
  if (value === undefined || value === '') return '-';
  if (typeof value === 'number') return String(value);
  const quoted = value.includes('"') || value.includes('\\') ? value.replace(/["\\]/g, '\\$&') : value;
  return oneLine(quoted);
}

/** A line of JSON. A format of one operator alone keeps its type: numbers are numbers, what is missing is null. */
export function renderJson(format: readonly (readonly [name: string, segments: Segments])[], ended: EndedCall): string {
  const line: Record<string, unknown> = Object.create(null);
  for (const [name, segments] of format) {
    const only = segments.length === 1 ? segments[0] : undefined;
    if (typeof only === 'function') line[name] = only(ended) ?? null;
    else
      line[name] = segments
        .map((segment) => (typeof segment === 'string' ? segment : (segment(ended) ?? '-')))
        .join('');
  }
  return oneLine(JSON.stringify(line));
}
