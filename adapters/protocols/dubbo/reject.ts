import type { Bytes, Message, Rejection } from '../../../src/message/index.js';
import { jsonbPart } from './fastjson2/writer.js';
import { FASTJSON2, HEADER_BYTES, HESSIAN2, STATUS, serializationOf, writeHeader } from './header.js';
import { hessianString } from './hessian/writer.js';

/**
 * What a caller is told for each failure code; anything else is {@link STATUS.SERVER_ERROR}. Java consumers make a
 * TimeoutException of 31 and a RemotingException with our text of all others; the Node clients make an Error with our
 * text of every one. 100 means "it did not run, another provider may": a mesh in front of us may try elsewhere.
 */
const STATUS_BY_CODE = new Map<string, number>([
  ['NO_SERVICE', STATUS.SERVICE_NOT_FOUND],
  ['NO_ROUTE', STATUS.SERVICE_NOT_FOUND],
  ['NO_CLUSTER', STATUS.SERVICE_NOT_FOUND],
  ['DEADLINE', STATUS.SERVER_TIMEOUT],
  ['ATTEMPT_TIMEOUT', STATUS.SERVER_TIMEOUT],
  ['RATE_LIMITED', STATUS.THREADPOOL_EXHAUSTED],
  ['PACING_OVERFLOW', STATUS.THREADPOOL_EXHAUSTED],
  ['OVERFLOW', STATUS.THREADPOOL_EXHAUSTED],
  ['CIRCUIT_OPEN', STATUS.THREADPOOL_EXHAUSTED],
  ['DRAINING', STATUS.THREADPOOL_EXHAUSTED],
  ['BAD_REQUEST', STATUS.BAD_REQUEST],
  ['ENCODE_FAILED', STATUS.BAD_REQUEST],
  ['BAD_REPLY', STATUS.BAD_RESPONSE],
  ['REPLY_TOO_LARGE', STATUS.BAD_RESPONSE],
  ['DENIED', STATUS.SERVICE_ERROR],
  ['HANDLER_FAILED', STATUS.SERVICE_ERROR],
]);

const MAX_TEXT = 1000;

export function statusFor(code: string): number {
  return STATUS_BY_CODE.get(code) ?? STATUS.SERVER_ERROR;
}

/**
 * The reply that refuses a two-way request. To a request in fastjson2 it is in fastjson2, which such a consumer is sure to
 * read; else in Hessian, since consumers read a reply by its own serialization id.
 */
export function rejectFrame(request: Message, failure: Rejection): Bytes | undefined {
  if (request.kind !== 'request') return undefined;
  const serialization = serializationOf(request.tag) === FASTJSON2 ? FASTJSON2 : HESSIAN2;
  return errorFrame(serialization, statusFor(failure.code), request.idHigh, request.idLow, failure.message);
}

/** A reply with a status other than 20: its body is a string. */
export function errorFrame(
  serialization: typeof HESSIAN2 | typeof FASTJSON2,
  status: number,
  idHigh: number,
  idLow: number,
  reason: string,
): Bytes {
  const text = `meltemi: ${reason}`.slice(0, MAX_TEXT);
  const body = serialization === FASTJSON2 ? jsonbPart(text) : hessianString(text);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  writeHeader(frame, serialization, status, idHigh, idLow, body.length);
  body.copy(frame, HEADER_BYTES);
  return [frame];
}
