import { isIP } from 'node:net';
import type { Destination } from '../../call/index.js';
import type { Placeable } from './placed.js';

/** The names by which configuration may mean a destination: as it is called, and as rules call the services there. */
export function namesOf({ destination, described }: Placeable): readonly string[] {
  const names = [`${destination.host}:${destination.port}`];
  for (const { host, port } of described) names.push(`${host}:${port}`);
  return names;
}

/**
 * Where the sidecar takes what is meant for a destination: at the loopback port that stands for it, else at the
 * destination itself, as traffic capture does the rest. Never at the port that captured connections end up at, which
 * knows a connection by where it was going. A name gives way to the virtual address that rules give the service: the name
 * may be resolved by nobody.
 */
export function sidecarAddress({ destination, described }: Placeable, port: number | undefined): Destination {
  if (port !== undefined) return { host: '127.0.0.1', port };
  if (isIP(destination.host) !== 0) return destination;
  const virtual = described.flatMap(({ addresses }) => addresses).find((address) => isIP(address) !== 0);
  return virtual === undefined ? destination : { host: virtual, port: destination.port };
}
