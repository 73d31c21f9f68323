import type { TcpNetConnectOpts } from 'node:net';

/** What `connect` of a socket was asked for, with its callback. */
export interface Asked {
  readonly options: Partial<TcpNetConnectOpts> & { readonly path?: string; readonly blockList?: unknown };
  readonly host: string;
  readonly port: number;
  readonly callback: (() => void) | undefined;
}

/**
 * Reads the arguments of `connect` in all their forms: `(port[, host][, callback])`, `(options[, callback])`, and the array
 * in which `net.connect` passes on what it has read already. Undefined: a path, or something that Node has to refuse.
 */
export function connectArguments(args: readonly unknown[]): Asked | undefined {
  const given = Array.isArray(args[0]) ? (args[0] as readonly unknown[]) : args;
  const last = given[given.length - 1];
  const callback = typeof last === 'function' ? (last as () => void) : undefined;
  const options = optionsOf(given);
  if (options === undefined || options.path) return undefined;
  const { host = 'localhost' } = options;
  const port = portOf(options.port);
  if (port === undefined || typeof host !== 'string') return undefined;
  return { options, host: host === '' ? 'localhost' : host, port, callback };
}

function optionsOf([first, second]: readonly unknown[]): Asked['options'] | undefined {
  if (typeof first === 'object' && first !== null) return first;
  if (typeof first !== 'number' && typeof first !== 'string') return undefined;
  const options = { port: first as number };
  return typeof second === 'string' ? { ...options, host: second } : options;
}

/** Node takes numbers, and texts of them, from 0 to 65535; any other text is a path. */
function portOf(written: unknown): number | undefined {
  if (typeof written === 'string' && written.trim() === '') return undefined;
  if (typeof written !== 'number' && typeof written !== 'string') return undefined;
  const port = Number(written);
  return Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : undefined;
}
