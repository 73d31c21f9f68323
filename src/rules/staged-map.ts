import { finish, type Work } from '../runtime/index.js';

/** A live map that changes of rules are made to aside: see {@link StagedMap}. */
export interface LiveMap<V> extends ReadonlyMap<string, V> {
  /** What will be there after the change under way; what is there if there is none. */
  coming(key: string): V | undefined;
}

/** In place of a value: the key is taken away. Not undefined, so that one look tells whether anything is said of a key. */
const GONE = Symbol('gone');
const NOTHING: ReadonlyMap<string, never> = new Map<string, never>();

/**
 * A map that is changed aside and shows all of a change at once, however large: what is set is kept over the map, out of
 * sight; `commit` brings it to sight by one assignment; `settle` then works it into the map in its own time. Readers see the
 * map as it was, or as it is.
 */
export class StagedMap<V> implements LiveMap<V> {
  readonly #settled = new Map<string, V>();
  /** Over it. */
  #staged = new Map<string, V | typeof GONE>();
  /** The same, once it is to be seen. */
  #shown: ReadonlyMap<string, V | typeof GONE> = NOTHING;

  get(key: string): V | undefined {
    const shown = this.#shown.size > 0 ? this.#shown.get(key) : undefined;
    if (shown === undefined) return this.#settled.get(key);
    return shown === GONE ? undefined : shown;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  get size(): number {
    let size = this.#settled.size;
    for (const [key, value] of this.#shown) size += Number(value !== GONE) - Number(this.#settled.has(key));
    return size;
  }

  coming(key: string): V | undefined {
    const staged = this.#staged.get(key);
    if (staged === undefined) return this.#settled.get(key);
    return staged === GONE ? undefined : staged;
  }

  /** @param value - undefined takes the key away */
  set(key: string, value: V | undefined): void {
    // Who follows a change may have failed before that was done.
    if (this.#shown !== NOTHING) finish(this.settle());
    this.#staged.set(key, value === undefined ? GONE : value);
  }

  /** From here on all that was set is seen. */
  commit(): void {
    this.#shown = this.#staged;
  }

  /** What was set, and not committed, never was. */
  discard(): void {
    if (this.#shown === NOTHING) this.#staged = new Map();
  }

  /** After {@link commit}, to its end before anything else is set. */
  *settle(): Work {
    if (this.#staged.size === 0) {
      this.#shown = NOTHING;
      return;
    }
    let steps = 0;
    for (const [key, value] of this.#staged) {
      if (value === GONE) this.#settled.delete(key);
      else this.#settled.set(key, value);
      if (++steps % 64 === 0) yield;
    }
    this.#staged = new Map();
    this.#shown = NOTHING;
  }

  *entries(): MapIterator<[string, V]> {
    for (const entry of this.#settled) {
      if (!this.#shown.has(entry[0])) {
        yield entry;
        continue;
      }
      const value = this.#shown.get(entry[0])!;
      if (value !== GONE) yield [entry[0], value];
    }
    for (const [key, value] of this.#shown) if (value !== GONE && !this.#settled.has(key)) yield [key, value];
  }

  *keys(): MapIterator<string> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  forEach(visit: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }
}
