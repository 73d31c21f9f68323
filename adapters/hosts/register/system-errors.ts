import { constants } from 'node:os';

type Code = 'ECONNREFUSED' | 'ECONNRESET' | 'EPIPE' | 'EISCONN';

/** An error as Node makes of one of the system: `read ECONNRESET`. */
export function systemError(syscall: string, code: Code, cause?: Error): NodeJS.ErrnoException {
  const because = cause === undefined ? '' : `: ${cause.message}`;
  const options = cause === undefined ? undefined : { cause };
  return Object.assign(new Error(`${syscall} ${code}${because}`, options), {
    errno: -constants.errno[code],
    code,
    syscall,
  });
}

/** A connection to an address that was not made. */
export function connectError(code: Code, address: string, port: number, cause?: Error): NodeJS.ErrnoException {
  const because = cause === undefined ? '' : `: ${cause.message}`;
  const error = systemError('connect', code, cause);
  error.message = `connect ${code} ${address}:${port}${because}`;
  return Object.assign(error, { address, port });
}
