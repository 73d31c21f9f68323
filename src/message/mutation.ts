/**
 * Attributes to set and to delete on the way out. Keys keep the case they are given, since they go onto the wire;
 * a later entry for a key replaces the earlier one. Messages themselves are never changed: a codec applies a Mutation
 * while it encodes.
 *
 * Kept as one list that is searched: there are a few entries in it, for which a Map would cost four times the bytes of
 * all the rest of an attempt.
 */
export class Mutation {
  /** Keys and values in turn. */
  #pairs: (string | undefined)[] = NONE;

  static of(entries: Iterable<readonly [key: string, value: string | undefined]>): Mutation {
    const mutation = new Mutation();
    for (const [key, value] of entries) mutation.#put(key, value);
    return mutation;
  }

  set(key: string, value: string): this {
    this.#put(key, value);
    return this;
  }

  /** Removes the key from what is sent, if it is there. */
  delete(key: string): this {
    this.#put(key, undefined);
    return this;
  }

  get size(): number {
    return this.#pairs.length >> 1;
  }

  /** @param i - below {@link size}; in the order in which keys were first set */
  keyAt(i: number): string {
    return this.#pairs[2 * i]!;
  }

  /** Undefined: to be deleted. */
  valueAt(i: number): string | undefined {
    return this.#pairs[2 * i + 1];
  }

  /** Each key with its new value; undefined: to be deleted. On the call path take {@link keyAt} and {@link valueAt}. */
  *entries(): IterableIterator<[key: string, value: string | undefined]> {
    for (let i = 0; i < this.size; i++) yield [this.keyAt(i), this.valueAt(i)];
  }

  /** What this mutation makes of the key (compared lower-cased): its value, null if deleted, undefined if untouched. */
  lookup(lowerKey: string): string | null | undefined {
    const pairs = this.#pairs;
    for (let i = pairs.length - 2; i >= 0; i -= 2) {
      const key = pairs[i]!;
      if (key === lowerKey || key.toLowerCase() === lowerKey) return pairs[i + 1] ?? null;
    }
    return undefined;
  }

  /** Both, where `over` wins. Returns one of them unchanged when the other is absent or empty. */
  static merge(under: Mutation | undefined, over: Mutation | undefined): Mutation | undefined {
    if (under === undefined || under.size === 0) return over;
    if (over === undefined || over.size === 0) return under;
    const merged = new Mutation();
    if (under.#disjoint(over)) {
      merged.#pairs = under.#pairs.concat(over.#pairs);
      return merged;
    }
    merged.#pairs = under.#pairs.slice();
    for (let i = 0; i < over.size; i++) merged.#put(over.keyAt(i), over.valueAt(i));
    return merged;
  }

  #put(key: string, value: string | undefined): void {
    const pairs = this.#pairs;
    const at = indexOf(pairs, key);
    if (at >= 0) pairs[at + 1] = value;
    // A list of its own length: pushing onto an empty one makes room for eight entries more.
    else if (pairs.length === 0) this.#pairs = [key, value];
    else pairs.push(key, value);
  }

  #disjoint(other: Mutation): boolean {
    for (let i = 0; i < other.size; i++) if (indexOf(this.#pairs, other.keyAt(i)) >= 0) return false;
    return true;
  }
}

const NONE: (string | undefined)[] = [];

function indexOf(pairs: readonly (string | undefined)[], key: string): number {
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === key) return i;
  return -1;
}
