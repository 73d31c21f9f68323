/** What a name stands for now. */
export interface ResolvedName {
  /** IP addresses; empty counts as a failure. */
  readonly addresses: readonly string[];
  /** How long they hold, in ms; undefined: nobody says. */
  readonly ttlMs: number | undefined;
}

/** Turns host names into addresses. */
export interface NameResolver {
  /** @throws Error - the name cannot be resolved now */
  resolve(name: string): Promise<ResolvedName>;
}

/** Of `node:dns/promises`. */
export type Dns = Pick<typeof import('node:dns/promises'), 'lookup' | 'resolve4' | 'resolve6'>;

/** By Node's own functions, loaded with the first name: a mesh of addresses never needs them. */
export const systemNames: NameResolver = {
  resolve: async (name) => resolveBy(await import('node:dns/promises'), name),
};

/** As a mesh resolves names unless it is told otherwise, by functions that the process may have replaced since. */
export function namesBy(dns: Dns): NameResolver {
  return { resolve: (name) => resolveBy(dns, name) };
}

/**
 * The addresses that the system gives a name (hosts file, search domains and all), which hold as long as the name
 * servers say of those very addresses. IPv6 only where there is no IPv4, as Envoy's `V4_PREFERRED`: of a host with both
 * one would else be taken for two.
 */
async function resolveBy(dns: Dns, name: string): Promise<ResolvedName> {
  const [found, records] = await Promise.all([dns.lookup(name, { all: true }), recordsOf(dns, name)]);
  const family = found.some((each) => each.family === 4) ? 4 : 6;
  const addresses = found.filter((each) => each.family === family).map(({ address }) => address);
  const ttls = records.filter(({ address }) => addresses.includes(address)).map(({ ttl }) => ttl);
  return { addresses, ttlMs: ttls.length === 0 ? undefined : Math.min(...ttls) * 1000 };
}

/** The system's own look-up tells no TTL. Names of a hosts file have none, and no records. */
function recordsOf(dns: Dns, name: string) {
  const none = () => [];
  return dns
    .resolve4(name, { ttl: true })
    .catch(none)
    .then((found) => (found.length > 0 ? found : dns.resolve6(name, { ttl: true }).catch(none)));
}
