/**
 * Attributes to set and to delete on the way out. Keys keep the case they are given, since they go onto the wire;
 * a later entry for a key replaces the earlier one. Messages themselves are never changed: a codec applies a Mutation
 * while it encodes.
 */
export class Mutation {
  readonly #entries = new Map<string, string | undefined>();

  static of(entries: Iterable<readonly [key: string, value: string | undefined]>): Mutation {
    const mutation = new Mutation();
    for (const [key, value] of entries) mutation.#entries.set(key, value);
    return mutation;
  }

  set(key: string, value: string): this {
    this.#entries.set(key, value);
    return this;
  }

  /** Removes the key from what is sent, if it is there. */
  delete(key: string): this {
    this.#entries.set(key, undefined);
    return this;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Each key with its new value; undefined: to be deleted. */
  entries(): IterableIterator<[key: string, value: string | undefined]> {
    return this.#entries.entries();
  }

  /** What this mutation makes of the key (compared lower-cased): its value, null if deleted, undefined if untouched. */
  lookup(lowerKey: string): string | null | undefined {
    let found: string | null | undefined;
    for (const [key, value] of this.#entries) {
      if (key === lowerKey || key.toLowerCase() === lowerKey) found = value ?? null;
    }
    return found;
  }

  /** Both, where `over` wins. Returns one of them unchanged when the other is absent or empty. */
  static merge(under: Mutation | undefined, over: Mutation | undefined): Mutation | undefined {
    if (under === undefined || under.size === 0) return over;
    if (over === undefined || over.size === 0) return under;
    return Mutation.of([...under.entries(), ...over.entries()]);
  }
}
