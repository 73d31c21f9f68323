import { isIP } from 'node:net';
import { formatAddress } from '../../../src/connection/index.js';
import type { DescribedService } from '../../../src/index.js';
import type { LoadedConfig } from '../../node/config.js';
import { nearest } from '../../node/nearest.js';

/** A listener as the configuration and the rules of the moment want it. Two that are equal are the same. */
export type WantedListener =
  | { readonly kind: 'outbound'; readonly host: string; readonly port: number; readonly service: string }
  | ({ readonly kind: 'inbound' } & LoadedConfig['listeners']['inbound'][number]);

/** Nobody means all addresses of this machine by the address of one service. */
const UNSPECIFIED = /^(0\.0\.0\.0|[0:]+)$/;

/**
 * What to listen to: the inbound listeners, and the outbound ones of services that rules describe.
 * At a service's own address nothing is listened to but what is governed.
 */
export function wantedListeners(
  { listeners }: Pick<LoadedConfig, 'listeners'>,
  described: readonly DescribedService[],
): readonly WantedListener[] {
  const { ports, host, vip } = listeners.outbound;
  const known = namesOf(described);
  const wanted: WantedListener[] = listeners.inbound.map((it) => ({ kind: 'inbound', ...it }));
  for (const [service, port] of Object.entries(ports)) {
    if (known.has(service)) wanted.push({ kind: 'outbound', host, port, service });
  }
  if (!vip) return wanted;
  // Several may share an address: what a message says of its service chooses among them.
  const own = new Set<string>();
  for (const { addresses, port, governed } of described) {
    if (!governed) continue;
    for (const address of addresses) {
      const service = `${address}:${port}`;
      if (isIP(address) === 0 || UNSPECIFIED.test(address) || own.has(service)) continue;
      own.add(service);
      wanted.push({ kind: 'outbound', host: address, port, service });
    }
  }
  return wanted;
}

/** Services that ports are to stand for, and that no rule describes: a typo, or rules that are still to come. */
export function undescribedServices(
  { listeners }: Pick<LoadedConfig, 'listeners'>,
  described: readonly DescribedService[],
): readonly string[] {
  const known = namesOf(described);
  return Object.keys(listeners.outbound.ports).filter((service) => !known.has(service));
}

/** For people. */
export function undescribedInWords(service: string, described: readonly DescribedService[]): string {
  const meant = nearest(service, namesOf(described));
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `no rule describes ${service}: nothing listens for it until one does${hint}`;
}

function namesOf(described: readonly DescribedService[]): ReadonlySet<string> {
  return new Set(described.flatMap((it) => [it.host, ...it.addresses].map((at) => `${at}:${it.port}`)));
}

/** For people: what it is, and where it leads. */
export function listenerInWords(wanted: WantedListener, port = wanted.port): string {
  const at = formatAddress({ host: wanted.host, port });
  if (wanted.kind === 'outbound') return `outbound ${at} for ${wanted.service}`;
  const { forward, service } = wanted;
  return `inbound ${at} to ${forward.host}:${forward.port}${service === undefined ? '' : ` for ${service}`}`;
}
