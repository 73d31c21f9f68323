import { VERDICT, type Verdict } from './fixed-header.js';

/** Codes of `ret`, the framework's result; those of the server's side, which a client reads as the callee's. */
export const RET = {
  OK: 0,
  SERVER_DECODE: 1,
  SERVER_ENCODE: 2,
  NO_SERVICE: 11,
  NO_FUNC: 12,
  TIMEOUT: 21,
  OVERLOAD: 22,
  LIMITED: 23,
  SYSTEM: 31,
  AUTH: 41,
  CANCELLED: 161,
  UNKNOWN: 999,
} as const;

/**
 * What a caller is told for each failure code; anything else is {@link RET.SYSTEM}. trpc-go raises code and text as an error of
 * the callee's framework, trpc-java as a TRpcException. 22 and 23 mean "it did not run, another server may": a mesh in
 * front of us may try elsewhere.
 */
const RET_BY_CODE = new Map<string, number>([
  ['NO_SERVICE', RET.NO_SERVICE],
  ['NO_ROUTE', RET.NO_SERVICE],
  ['NO_CLUSTER', RET.NO_SERVICE],
  ['DEADLINE', RET.TIMEOUT],
  ['ATTEMPT_TIMEOUT', RET.TIMEOUT],
  ['RATE_LIMITED', RET.LIMITED],
  ['PACING_OVERFLOW', RET.LIMITED],
  ['OVERFLOW', RET.OVERLOAD],
  ['CIRCUIT_OPEN', RET.OVERLOAD],
  ['DRAINING', RET.OVERLOAD],
  ['BAD_REQUEST', RET.SERVER_DECODE],
  ['ENCODE_FAILED', RET.SERVER_DECODE],
  ['BAD_REPLY', RET.SERVER_ENCODE],
  ['REPLY_TOO_LARGE', RET.SERVER_ENCODE],
  ['DENIED', RET.AUTH],
  ['CANCELLED', RET.CANCELLED],
]);

export function retFor(code: string): number {
  return RET_BY_CODE.get(code) ?? RET.SYSTEM;
}

/**
 * `ret` is the framework's, `func_ret` the handler's own. trpc-java writes 999 to both for an exception of the handler that
 * has no code, where trpc-go writes it to `func_ret` alone: an answer of the business either way.
 */
export function verdictFor(ret: number, funcRet: number): Verdict {
  if (ret === RET.OK || (ret === RET.UNKNOWN && funcRet !== 0)) return funcRet === 0 ? VERDICT.OK : VERDICT.BUSINESS;
  return ret === RET.OVERLOAD || ret === RET.LIMITED ? VERDICT.REJECTED : VERDICT.FRAMEWORK;
}

/** Codes above are of handlers; the framework's end at 1000 (of streams, "unknown"). */
const LAST_OF_FRAMEWORK = 1000;

/**
 * A stream's end has the handler's own code in `ret` too, and trpc-go ends it by a reset with `ret` 0 and a text for an error
 * that has no code.
 */
export function closeVerdict(reset: boolean, ret: number, funcRet: number): Verdict {
  if (!reset && ret === RET.OK) return verdictFor(ret, funcRet);
  return ret === RET.OK || ret > LAST_OF_FRAMEWORK ? VERDICT.BUSINESS : verdictFor(ret, funcRet);
}
