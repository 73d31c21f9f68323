import type { ReplyStatus } from '../../../src/message/index.js';

/** `iRet`, the framework's result. */
export const RET = {
  OK: 0,
  DECODE: -1,
  NO_FUNC: -3,
  NO_SERVANT: -4,
  QUEUE_TIMEOUT: -6,
  CALL_TIMEOUT: -7,
  OVERLOAD: -9,
  UNKNOWN: -99,
} as const;

/**
 * What a caller is told for each failure code; anything else is {@link RET.UNKNOWN}. A timeout is no -6, which says that it did
 * not run.
 */
const RET_BY_CODE = new Map<string, number>([
  ['NO_SERVICE', RET.NO_SERVANT],
  ['NO_ROUTE', RET.NO_FUNC],
  ['NO_CLUSTER', RET.NO_SERVANT],
  ['DEADLINE', RET.CALL_TIMEOUT],
  ['ATTEMPT_TIMEOUT', RET.CALL_TIMEOUT],
  ['RATE_LIMITED', RET.OVERLOAD],
  ['PACING_OVERFLOW', RET.OVERLOAD],
  ['OVERFLOW', RET.OVERLOAD],
  ['CIRCUIT_OPEN', RET.OVERLOAD],
  ['DRAINING', RET.OVERLOAD],
  ['BAD_REQUEST', RET.DECODE],
  ['ENCODE_FAILED', RET.DECODE],
  ['BAD_REPLY', RET.DECODE],
  ['REPLY_TOO_LARGE', RET.DECODE],
]);

export function retFor(code: string): number {
  return RET_BY_CODE.get(code) ?? RET.UNKNOWN;
}

/** Codes of servants are positive. Overloaded, or too long in the queue: it did not run, another server may. */
export function statusOf(ret: number): ReplyStatus {
  if (ret === RET.OK) return 'ok';
  if (ret > 0) return 'business';
  return ret === RET.OVERLOAD || ret === RET.QUEUE_TIMEOUT ? 'rejected' : 'framework';
}
