/**
 * Endpoints that are named rather than numbered (ServiceEntry's `resolution: DNS`): each address of the name becomes an
 * endpoint of its own with the labels and weight of the named one, as Envoy's `STRICT_DNS` does, and the name is resolved
 * anew when its TTL is over.
 *
 * - Until a name is resolved for the first time it stands for itself: the transport resolves it when it dials, so that
 *   nothing waits and a name that leads nowhere fails its calls with the resolver's own words.
 * - A failure keeps the addresses there are, as Envoy does: name servers fail more often than services move. It is tried
 *   again after {@link RETRY_BASE_MS}, doubled each time up to {@link REFRESH_MS}, a random half of it less.
 * - A TTL below {@link MIN_TTL_MS} would ask all the time, one of a day would never see a move: it counts as that or
 *   {@link MAX_TTL_MS}. Without one it is Istio's `dnsRefreshRate`, 60 s.
 * - Only names of clusters in use are resolved, each once, whoever uses it. `localhost` is left to the transport.
 * - An address is compared as text and order does not matter: equal answers tell nobody.
 */
import { isIP } from 'node:net';
import type { EndpointRule } from '../../rules/index.js';
import type { Expirable, Runtime, Timer } from '../../runtime/index.js';
import type { NameResolver } from './name-resolver.js';

/** Istio's default `dnsRefreshRate`. */
export const REFRESH_MS = 60_000;
/** Envoy's default `dns_min_refresh_rate` is 1 s. */
export const MIN_TTL_MS = 1_000;
export const MAX_TTL_MS = 300_000;
export const RETRY_BASE_MS = 1_000;

export interface NamesContext {
  readonly runtime: Runtime;
  readonly resolver: NameResolver;
  /** The endpoints of this key are others now; see {@link Names.expand}. */
  readonly changed: (key: string) => void;
  readonly warn: (message: string) => void;
}

export class Names {
  private readonly names = new Map<string, Name>();
  private readonly byKey = new Map<string, ReadonlySet<string>>();

  constructor(private readonly context: NamesContext) {}

  /** The endpoints with their names replaced by addresses, as far as these are known. From now on the names are followed. */
  expand(key: string, endpoints: readonly EndpointRule[]): readonly EndpointRule[] {
    const wanted = new Set<string>();
    for (const { address } of endpoints) if (isName(address)) wanted.add(address);
    this.follow(key, wanted);
    if (wanted.size === 0) return endpoints;
    return endpoints.flatMap((endpoint) => {
      const addresses = this.names.get(endpoint.address)?.addresses;
      return addresses === undefined ? [endpoint] : addresses.map((address) => ({ ...endpoint, address }));
    });
  }

  /** Nobody uses the endpoints of this key any longer. */
  forget(key: string): void {
    this.follow(key, NONE);
  }

  close(): void {
    for (const key of [...this.byKey.keys()]) this.forget(key);
  }

  private follow(key: string, wanted: ReadonlySet<string>): void {
    const before = this.byKey.get(key) ?? NONE;
    if (wanted.size > 0) this.byKey.set(key, wanted);
    else this.byKey.delete(key);
    for (const name of wanted) {
      if (before.has(name)) continue;
      let followed = this.names.get(name);
      if (followed === undefined) {
        followed = new Name(name, this.context);
        this.names.set(name, followed);
      }
      followed.keys.add(key);
    }
    for (const name of before) {
      if (wanted.has(name)) continue;
      const followed = this.names.get(name)!;
      followed.keys.delete(key);
      if (followed.keys.size > 0) continue;
      this.names.delete(name);
      followed.close();
    }
  }
}

const NONE: ReadonlySet<string> = new Set();

function isName(address: string): boolean {
  return isIP(address) === 0 && address !== 'localhost' && !address.endsWith('.localhost');
}

class Name implements Expirable {
  readonly keys = new Set<string>();
  /** Sorted; undefined: not resolved yet. */
  addresses: readonly string[] | undefined;
  private failures = 0;
  private closed = false;
  private timer: Timer | undefined;

  constructor(
    private readonly name: string,
    private readonly context: NamesContext,
  ) {
    void this.resolve();
  }

  expired(): void {
    void this.resolve();
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
  }

  private async resolve(): Promise<void> {
    try {
      const { addresses, ttlMs } = await this.context.resolver.resolve(this.name);
      if (addresses.length > 0) this.resolved(addresses, ttlMs ?? REFRESH_MS);
      else this.failed('it has no address');
    } catch (error) {
      this.failed(error instanceof Error ? error.message : String(error));
    }
  }

  private resolved(addresses: readonly string[], ttlMs: number): void {
    if (this.closed) return;
    this.failures = 0;
    this.again(Math.min(MAX_TTL_MS, Math.max(MIN_TTL_MS, ttlMs)));
    const sorted = [...new Set(addresses)].sort();
    if (sorted.join() === this.addresses?.join()) return;
    this.addresses = sorted;
    for (const key of [...this.keys]) this.context.changed(key);
  }

  private failed(reason: string): void {
    if (this.closed) return;
    const kept = this.addresses === undefined ? 'it is dialled by name' : `its addresses stay ${this.addresses}`;
    this.context.warn(`the name ${this.name} cannot be resolved: ${reason}; ${kept}`);
    const delay = Math.min(REFRESH_MS, RETRY_BASE_MS * 2 ** Math.min(this.failures++, 16));
    this.again(delay * (1 - this.context.runtime.random() / 2));
  }

  private again(delayMs: number): void {
    this.timer = this.context.runtime.timers.arm(delayMs, this);
  }
}
