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

/**
 * The addresses that the system gives a name (hosts file, search domains and all), which hold as long as the name
 * servers say of those very addresses. IPv6 only where there is no IPv4, as Envoy's `V4_PREFERRED`: of a host with both
 * one would else be taken for two.
 */
export const systemNames: NameResolver = {
  async resolve(name) {
    // Loaded with the first name: a mesh of addresses never needs it.
    const dns = await import('node:dns/promises');
    const [found, records] = await Promise.all([dns.lookup(name, { all: true }), recordsOf(dns, name)]);
    const family = found.some((each) => each.family === 4) ? 4 : 6;
    const addresses = found.filter((each) => each.family === family).map(({ address }) => address);
    const ttls = records.filter(({ address }) => addresses.includes(address)).map(({ ttl }) => ttl);
    return { addresses, ttlMs: ttls.length === 0 ? undefined : Math.min(...ttls) * 1000 };
  },
};

/** The system's own look-up tells no TTL. Names of a hosts file have none, and no records. */
function recordsOf(dns: typeof import('node:dns/promises'), name: string) {
  const none = () => [];
  return dns
    .resolve4(name, { ttl: true })
    .catch(none)
    .then((found) => (found.length > 0 ? found : dns.resolve6(name, { ttl: true }).catch(none)));
}
