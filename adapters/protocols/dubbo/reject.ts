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
 * The reply that refuses a two-way request: status and a string. To a request in fastjson2 it is in fastjson2, which such a
 * consumer is sure to read; else in Hessian, since consumers read a reply by its own serialization id.
 */
export function rejectFrame(request: Message, failure: Rejection): Bytes | undefined {
  if (request.kind !== 'request') return undefined;
  const text = `meltemi: ${failure.message}`.slice(0, MAX_TEXT);
  const fastjson2 = serializationOf(request.tag) === FASTJSON2;
  const body = fastjson2 ? jsonbPart(text) : hessianString(text);
  const head = Buffer.allocUnsafe(HEADER_BYTES);
  const flags = fastjson2 ? FASTJSON2 : HESSIAN2;
  writeHeader(head, flags, statusFor(failure.code), request.idHigh, request.idLow, body.length);
  return [head, body];
}
