import { constants } from 'node:os';

type Code = keyof typeof constants.errno;

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

/**
 * A connection to an address that was not made.
 * @param cause - what the system said of the connection that was to carry it has the same code here, and is no cause
 */
export function connectError(code: Code, address: string, port: number, cause?: Error): NodeJS.ErrnoException {
  const said = codeOf(cause, 'connect');
  const error = said === undefined ? systemError('connect', code, cause) : systemError('connect', said);
  error.message = error.message.replace(error.code!, (it) => `${it} ${address}:${port}`);
  return Object.assign(error, { address, port });
}

/** A connection that broke, likewise. */
export function brokenError(cause: Error): NodeJS.ErrnoException {
  const said = codeOf(cause, 'read') ?? codeOf(cause, 'write');
  return said === undefined ? systemError('read', 'ECONNRESET', cause) : systemError('read', said);
}

function codeOf(error: NodeJS.ErrnoException | undefined, syscall: string): Code | undefined {
  const { code } = error ?? {};
  return error?.syscall === syscall && code !== undefined && code in constants.errno ? (code as Code) : undefined;
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
