/**
 * Addresses that stand for host names which have none: clients that resolve a name first reach `connect` with an address,
 * and the name must be found again by it. They are of 240.240.0.0/16, which nobody routes, as Istio's own (240.240.0.0/16 too).
 *
 * An address is made of a hash of the name (FNV-1a), so that it is the same in every process and run; where two names meet,
 * the later one gets the next free address. An address once given stays, so that one which a client has kept leads to the
 * same name for ever.
 */
const PREFIX = '240.240.';
/** Neither the first address nor the last of the block. */
const ADDRESSES = 65_534;

export class VirtualAddresses {
  readonly #addresses = new Map<string, string>();
  /** By the number of the address in the block. */
  readonly #names = new Map<number, string>();

  /** Undefined: all are taken. */
  of(name: string): string | undefined {
    const known = this.#addresses.get(name);
    if (known !== undefined || this.#addresses.size >= ADDRESSES) return known;
    let slot = hash(name) % ADDRESSES;
    while (this.#names.has(slot)) slot = (slot + 1) % ADDRESSES;
    const address = `${PREFIX}${(slot + 1) >> 8}.${(slot + 1) & 0xff}`;
    this.#addresses.set(name, address);
    this.#names.set(slot, name);
    return address;
  }

  /** The name that an address was given to. */
  nameOf(address: string): string | undefined {
    if (!address.startsWith(PREFIX)) return undefined;
    const [high, low] = address.slice(PREFIX.length).split('.');
    return this.#names.get(Number(high) * 256 + Number(low) - 1);
  }
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
