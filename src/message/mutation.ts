/**
 * Attributes to set and to delete on the way out. Keys keep the case they are given, since they go onto the wire, and are
 * the same key in any other: a later entry replaces the earlier one. Only what is set after it was deleted is both, so
 * that all that the message has of it goes. Messages themselves are never changed: a codec applies a Mutation while it
 * encodes.
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

  /** @param i - below {@link size}; a key that is deleted and then set comes twice, in this order */
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

  /** What this mutation makes of the key, in any case: its value, null if deleted, undefined if untouched. */
  lookup(key: string): string | null | undefined {
    const pairs = this.#pairs;
    for (let i = pairs.length - 2; i >= 0; i -= 2) if (same(pairs[i]!, key)) return pairs[i + 1] ?? null;
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
    for (let i = pairs.length - 2; i >= 0; i -= 2) {
      if (same(pairs[i]!, key) && (value === undefined || pairs[i + 1] !== undefined)) pairs.splice(i, 2);
    }
    // A list of its own length: pushing onto an empty one makes room for eight entries more.
    if (pairs.length === 0) this.#pairs = [key, value];
    else pairs.push(key, value);
  }

  #disjoint(other: Mutation): boolean {
    for (let i = 0; i < other.size; i++) if (this.lookup(other.keyAt(i)) !== undefined) return false;
    return true;
  }
}

const NONE: (string | undefined)[] = [];

function same(a: string, b: string): boolean {
  return a === b || (a.length === b.length && a.toLowerCase() === b.toLowerCase());
}
