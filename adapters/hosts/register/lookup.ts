/**
 * `dns.lookup` and its promise twin answer for hosts of the mesh, which no name server need know, with addresses that `connect`
 * knows again. `dns.resolve` and its kind ask name servers by intent, and are left alone; a server that listens on a name
 * means an address of this machine, and UDP the real host, as the mesh has TCP alone.
 */
import dgram, { type SocketOptions, type SocketType } from 'node:dgram';
import dns, { type LookupAddress } from 'node:dns';
import { isIP, Server } from 'node:net';
import type { Destinations } from './destinations.js';
import { type Patch, patch } from './patch.js';
import { notFoundError } from './system-errors.js';

type Callback = (error: Error | null, address?: string | LookupAddress[], family?: number) => void;

export function installLookup(destinations: Destinations): Patch {
  /** What is looked up now, by the function that runs, is a real host. */
  let real = false;
  function really<T>(run: () => T): T {
    const before = real;
    real = true;
    try {
      return run();
    } finally {
      real = before;
    }
  }
  const lookupReal = (...args: unknown[]) => really(() => (dns.lookup as (...args: unknown[]) => unknown)(...args));
  const patches = [
    patch(Server.prototype, 'listen', (listen) => {
      return function (this: Server, ...args: unknown[]): unknown {
        return really(() => listen.apply(this, args)); // a name is looked up at once
      };
    }),
    patch(dgram, 'createSocket', (createSocket) => {
      return function (this: unknown, asked: SocketType | SocketOptions, ...rest: unknown[]): unknown {
        const options = typeof asked === 'string' ? { type: asked } : asked;
        if (typeof options !== 'object' || options?.lookup !== undefined)
          return createSocket.call(this, asked, ...rest);
        return createSocket.call(this, { ...options, lookup: lookupReal }, ...rest);
      };
    }),
    patch(dns, 'lookup', (lookup) => {
      return function (this: unknown, host: unknown, ...rest: unknown[]): unknown {
        const callback = rest[rest.length - 1];
        const wanted = rest.length === 1 ? {} : wantedOf(rest[0]);
        const found = real ? undefined : answer(host, wanted, destinations);
        if (found === undefined || typeof callback !== 'function') return lookup.call(this, host, ...rest);
        process.nextTick(tell, callback as Callback, found, wanted!.all === true, host);
        return {};
      };
    }),
    patch(dns.promises, 'lookup', (lookup) => {
      return function (this: unknown, host: unknown, ...rest: unknown[]): Promise<unknown> {
        const wanted = wantedOf(rest[0]);
        const found = answer(host, wanted, destinations);
        if (found === undefined) return lookup.call(this, host, ...rest);
        if (found.length === 0) return Promise.reject(notFoundError(host as string));
        return Promise.resolve(wanted!.all === true ? found : found[0]);
      };
    }),
  ];
  return {
    undo() {
      for (const each of patches) each.undo();
    },
  };
}

/** What a look-up was asked for, beside the name. */
interface Wanted {
  readonly family?: unknown;
  readonly all?: unknown;
}

/** Undefined: nothing that Node takes; it has to refuse. */
function wantedOf(given: unknown): Wanted | undefined {
  if (given === undefined || given === null) return {};
  if (typeof given === 'number') return { family: given };
  if (typeof given !== 'object') return undefined;
  const { family, all } = given as Wanted;
  return all === undefined || all === null || typeof all === 'boolean' ? { family, all } : undefined;
}

/** Undefined: not our host, or a question that Node has to refuse. Empty: it has no address of that family. */
function answer(host: unknown, wanted: Wanted | undefined, destinations: Destinations): LookupAddress[] | undefined {
  if (typeof host !== 'string' || wanted === undefined) return undefined;
  const family = familyOf(wanted.family);
  if (family === undefined || isIP(host) !== 0) return undefined;
  const name = destinations.host(host);
  if (name === undefined) return undefined;
  const addresses = destinations.addressesOf(name);
  if (addresses.length === 0) return undefined;
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return family === 0 ? found : found.filter((each) => each.family === family);
}

function familyOf(given: unknown): number | undefined {
  if (given === undefined || given === null) return 0;
  if (given === 'IPv4') return 4;
  if (given === 'IPv6') return 6;
  return given === 0 || given === 4 || given === 6 ? given : undefined;
}

function tell(callback: Callback, found: LookupAddress[], all: boolean, host: string): void {
  const [first] = found;
  if (first === undefined) callback(notFoundError(host));
  else if (all) callback(null, found);
  else callback(null, first.address, first.family);
}
