import { isIP } from 'node:net';
import type { Destination, Mesh } from '../../../src/index.js';
import { namesMeant, type SearchDomains } from './search-domains.js';
import { VirtualAddresses } from './virtual-addresses.js';

/** What a mesh is asked. */
export type Governor = Pick<Mesh, 'governs' | 'described'>;

const LOOPBACK = ['127.0.0.1', '::1'];

/**
 * What do clients mean by a host and port? They use names as they are written in rules, or as the system would complete
 * them, addresses of rules, and addresses that we gave for names.
 */
export class Destinations {
  readonly #virtual = new VirtualAddresses();

  constructor(
    private readonly mesh: Governor,
    private readonly search: SearchDomains,
  ) {}

  /** As the mesh knows it, if it takes what is sent there. */
  governed(host: string, port: number): Destination | undefined {
    const { mesh } = this;
    const name = this.#virtual.nameOf(host) ?? host;
    if (mesh.governs(name, port)) return { host: name, port };
    for (const other of this.#meant(name)) if (mesh.governs(other, port)) return { host: other, port };
    return undefined;
  }

  /** Undefined: it is no address of ours. */
  nameOf(address: string): string | undefined {
    return this.#virtual.nameOf(address);
  }

  /** The mesh's name for a host of its own; undefined: the host is none. */
  host(name: string): string | undefined {
    const { mesh } = this;
    if (mesh.governs(name)) return name;
    for (const other of this.#meant(name)) if (mesh.governs(other)) return other;
    return undefined;
  }

  /** The addresses that stand for a name of the mesh: those that rules give it, else one of ours. */
  addressesOf(host: string): readonly string[] {
    if (isIP(host) !== 0) return [host];
    const own = new Set<string>();
    for (const { addresses } of this.mesh.described(host)) {
      for (const address of addresses) if (isIP(address) !== 0) own.add(address);
    }
    if (own.size > 0) return [...own];
    const address = this.#virtual.of(host);
    return address === undefined ? [] : [address];
  }

  #meant(name: string): Iterable<string> {
    if (name === 'localhost') return LOOPBACK;
    return isIP(name) === 0 ? namesMeant(name, this.search) : [];
  }
}
