import { constants } from 'node:os';

type Code = 'ECONNREFUSED' | 'ECONNRESET' | 'EPIPE' | 'EALREADY';

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

/** A name that has no address, as `dns.lookup` tells it. */
export function notFoundError(hostname: string): NodeJS.ErrnoException {
  const [errno, code, syscall] = [-3008, 'ENOTFOUND', 'getaddrinfo'];
  return Object.assign(new Error(`${syscall} ${code} ${hostname}`), { errno, code, syscall, hostname });
}

/** An address that the caller's own list forbids. */
export function blockedError(address: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`IP(${address}) is blocked by net.BlockList`), { code: 'ERR_IP_BLOCKED' });
}
