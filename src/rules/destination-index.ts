/**
 * Whose is an address? Kept up to date rule by rule, so that a change costs what changed, and aside: see `staged-map.ts`.
 * Services are found by host, virtual address, endpoint address and wildcard host, the first of these that knows the
 * address at all.
 */
import type { Work } from '../runtime/index.js';
import { type EndpointRule, type ServiceRule, serviceKey } from './model.js';
import { MultiMap } from './multi-map.js';

export class DestinationIndex {
  readonly #byHost = new MultiMap();
  readonly #byVirtualAddress = new MultiMap();
  readonly #byWildcard = new MultiMap();
  /** By port, then by address, which is the rule's own string: there are as many as endpoints. */
  readonly #byEndpoint = new Map<number, MultiMap>();
  readonly #all = [this.#byHost, this.#byVirtualAddress, this.#byWildcard];

  constructor(private readonly services: ReadonlyMap<string, ServiceRule>) {}

  addService(service: ServiceRule): void {
    this.#byHost.add(service.host, service.key);
    for (const address of service.addresses) this.#byVirtualAddress.add(serviceKey(address, service.port), service.key);
    if (isWildcard(service)) this.#byWildcard.add(serviceKey(service.host, service.port), service.key);
  }

  removeService(service: ServiceRule): void {
    this.#byHost.delete(service.host, service.key);
    for (const address of service.addresses) {
      this.#byVirtualAddress.delete(serviceKey(address, service.port), service.key);
    }
    if (isWildcard(service)) this.#byWildcard.delete(serviceKey(service.host, service.port), service.key);
  }

  /** @param key - of the endpoints' rule, which is their service's. */
  addEndpoint(key: string, { address, port }: EndpointRule): void {
    let ofPort = this.#byEndpoint.get(port);
    if (ofPort === undefined) {
      ofPort = new MultiMap();
      this.#byEndpoint.set(port, ofPort);
      this.#all.push(ofPort);
    }
    ofPort.add(address, key);
  }

  removeEndpoint(key: string, { address, port }: EndpointRule): void {
    this.#byEndpoint.get(port)?.delete(address, key);
  }

  commit(): void {
    for (const index of this.#all) index.commit();
  }

  discard(): void {
    for (const index of this.#all) index.discard();
  }

  *settle(): Work {
    for (const index of this.#all) yield* index.settle();
  }

  /** Oldest first. Empty: nobody describes the destination. */
  candidates(host: string, port: number): readonly ServiceRule[] {
    const key = serviceKey(host, port);
    const named = this.services.get(key);
    if (named !== undefined) return [named];
    const byVirtualAddress = this.#known(this.#byVirtualAddress.get(key));
    if (byVirtualAddress.length > 0) return byVirtualAddress;
    const byEndpoint = this.#known(this.#byEndpoint.get(port)?.get(host) ?? []);
    return byEndpoint.length > 0 ? byEndpoint : this.#wild(host, port);
  }

  /** All ports of a host, oldest first. */
  ofHost(host: string): readonly ServiceRule[] {
    return this.#known(this.#byHost.get(host));
  }

  /** The longest wildcard that covers the host: `*.b.c` before `*.c` before `*`. */
  #wild(host: string, port: number): readonly ServiceRule[] {
    if (this.#byWildcard.size === 0) return [];
    for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
      const found = this.#known(this.#byWildcard.get(serviceKey(`*${host.slice(dot)}`, port)));
      if (found.length > 0) return found;
    }
    return this.#known(this.#byWildcard.get(serviceKey('*', port)));
  }

  /** Endpoints may be known before their service is. */
  #known(keys: Iterable<string>): readonly ServiceRule[] {
    const found: ServiceRule[] = [];
    for (const key of keys) {
      const service = this.services.get(key);
      if (service !== undefined) found.push(service);
    }
    return found.length > 1 ? found.sort(byAge) : found;
  }
}

/** Oldest first; of the same age, by key, so that every process decides alike. */
export function byAge(a: ServiceRule, b: ServiceRule): number {
  return a.createdAt - b.createdAt || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

function isWildcard({ host }: ServiceRule): boolean {
  return host === '*' || host.startsWith('*.');
}
