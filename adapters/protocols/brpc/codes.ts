import type { ReplyStatus } from '../../../src/message/index.js';

/** `error_code` as the framework has it: bRPC's `errno.proto`, which brpc-java and jprotobuf share in part. */
export const CODE = {
  OK: 0,
  NO_SERVICE: 1001,
  NO_METHOD: 1002,
  BAD_REQUEST: 1003,
  AUTH: 1004,
  TIMED_OUT: 1008,
  OVERCROWDED: 1011,
  INTERNAL: 2001,
  BAD_RESPONSE: 2002,
  LOGOFF: 2003,
  LIMIT: 2004,
} as const;

/** What a caller is told for each failure code; anything else is {@link CODE.INTERNAL}. */
const CODE_BY_FAILURE = new Map<string, number>([
  ['NO_SERVICE', CODE.NO_SERVICE],
  ['NO_ROUTE', CODE.NO_METHOD],
  ['NO_CLUSTER', CODE.NO_SERVICE],
  ['DEADLINE', CODE.TIMED_OUT],
  ['ATTEMPT_TIMEOUT', CODE.TIMED_OUT],
  ['RATE_LIMITED', CODE.LIMIT],
  ['PACING_OVERFLOW', CODE.LIMIT],
  ['OVERFLOW', CODE.OVERCROWDED],
  ['CIRCUIT_OPEN', CODE.OVERCROWDED],
  ['DRAINING', CODE.LOGOFF],
  ['BAD_REQUEST', CODE.BAD_REQUEST],
  ['ENCODE_FAILED', CODE.BAD_REQUEST],
  ['BAD_REPLY', CODE.BAD_RESPONSE],
  ['REPLY_TOO_LARGE', CODE.BAD_RESPONSE],
  ['DENIED', CODE.AUTH],
]);

export function codeFor(failure: string): number {
  return CODE_BY_FAILURE.get(failure) ?? CODE.INTERNAL;
}

/** The framework's own numbers: 1001 to 1015 say what its client or server met, 2001 to 2006 what the server did. */
function isFramework(code: number): boolean {
  return (code >= 1001 && code <= 1015) || (code >= 2001 && code <= 2006);
}

/**
 * Users' codes share the numbers with the framework's, and jprotobuf says 2001 for whatever a handler throws: such an error is
 * taken for the framework's. Limits, a full queue and a server that is stopping mean that it did not run.
 */
export function statusOf(code: number): ReplyStatus {
  if (code === CODE.OK) return 'ok';
  if (code === CODE.LIMIT || code === CODE.OVERCROWDED || code === CODE.LOGOFF) return 'rejected';
  return isFramework(code) ? 'framework' : 'business';
}
