import type { Work } from '../runtime/index.js';
import { StagedMap } from './staged-map.js';

const NONE: readonly string[] = [];

/**
 * Several values a key, changed aside as a {@link StagedMap} is. A single value, as most keys have, costs no set: 20,000
 * endpoints have 20,000 addresses.
 */
export class MultiMap {
  readonly #values = new StagedMap<string | Set<string>>();

  get(key: string): Iterable<string> {
    const values = this.#values.get(key);
    if (values === undefined) return NONE;
    return typeof values === 'string' ? [values] : values;
  }

  add(key: string, value: string): void {
    const values = this.#values.coming(key);
    if (values === undefined) this.#values.set(key, value);
    else if (typeof values !== 'string') this.#own(key, values).add(value);
    else if (values !== value) this.#values.set(key, new Set([values, value]));
  }

  delete(key: string, value: string): void {
    const values = this.#values.coming(key);
    if (values === value) {
      this.#values.set(key, undefined);
    } else if (values instanceof Set && values.has(value)) {
      const own = this.#own(key, values);
      own.delete(value);
      if (own.size === 0) this.#values.set(key, undefined);
    }
  }

  get size(): number {
    return this.#values.size;
  }

  commit(): void {
    this.#values.commit();
  }

  discard(): void {
    this.#values.discard();
  }

  settle(): Work {
    return this.#values.settle();
  }

  /** A set that readers are not shown yet: a copy, once a change. */
  #own(key: string, values: Set<string>): Set<string> {
    if (this.#values.get(key) !== values) return values;
    const own = new Set(values);
    this.#values.set(key, own);
    return own;
  }
}
