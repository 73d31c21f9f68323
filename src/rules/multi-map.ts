const NONE: readonly string[] = [];

/** Several values a key. A single one, as most keys have, costs no set: 20,000 endpoints have 20,000 addresses. */
export class MultiMap {
  readonly #values = new Map<string, string | Set<string>>();

  get(key: string): Iterable<string> {
    const values = this.#values.get(key);
    if (values === undefined) return NONE;
    return typeof values === 'string' ? [values] : values;
  }

  add(key: string, value: string): void {
    const values = this.#values.get(key);
    if (values === undefined) this.#values.set(key, value);
    else if (typeof values !== 'string') values.add(value);
    else if (values !== value) this.#values.set(key, new Set([values, value]));
  }

  delete(key: string, value: string): void {
    const values = this.#values.get(key);
    if (values === value) this.#values.delete(key);
    else if (values instanceof Set && values.delete(value) && values.size === 0) this.#values.delete(key);
  }

  get size(): number {
    return this.#values.size;
  }
}
