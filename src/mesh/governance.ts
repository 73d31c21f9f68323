import type { Protocol } from '../message/index.js';
import type { RuleStore, ServiceRule } from '../rules/index.js';
import type { Outbound } from './outbound.js';
import type { Placements } from './placement/index.js';

/** A service of the mesh that rules describe; see {@link Mesh.described}. */
export interface DescribedService {
  readonly host: string;
  readonly port: number;
  /** What its port is named to speak; the mesh may have no codec for it. */
  readonly protocol: string;
  /** Its virtual addresses. */
  readonly addresses: readonly string[];
  /** Does the mesh take what is addressed there? */
  readonly governed: boolean;
}

export interface GovernanceParts {
  readonly store: RuleStore;
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly placements: Placements;
  readonly outbound: Outbound;
}

/**
 * Whose streams are the mesh's to take? Those that it can read, and those that go to a sidecar. What is refused for now, as
 * mTLS is wanted, say, is the mesh's all the same: nobody may send it in another way.
 */
export class Governance {
  constructor(private readonly parts: GovernanceParts) {}

  governs(host: string, port: number | undefined): boolean {
    const { store } = this.parts;
    const services = port === undefined ? store.servicesOf(host) : store.candidates(host, port);
    return services.some((service) => this.takes(service));
  }

  described(host: string | undefined): readonly DescribedService[] {
    const { store } = this.parts;
    const found: DescribedService[] = [];
    for (const service of host === undefined ? store.services.values() : store.servicesOf(host)) {
      const { host, port, protocol, addresses } = service;
      if (protocol === undefined) continue;
      found.push({ host, port, protocol, addresses, governed: this.takes(service) });
    }
    return found;
  }

  private takes(service: ServiceRule): boolean {
    const { protocols, placements, outbound } = this.parts;
    if (service.protocol === undefined) return false;
    return protocols.has(service.protocol) || placements.of(outbound.target(service)).placement === 'sidecar';
  }
}
