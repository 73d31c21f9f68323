/**
 * What `JSON.parse` made of text of unknown origin, read into what the types say or refused with the place of the first thing
 * that is not so. The objects are made what they should be and frozen, not copied: reading is most of what a cold start
 * takes. Fields that no type knows are refused too, as another version wrote them.
 */

/** @throws ShapeError - the value is something else */
export type Reader<T> = (value: unknown) => T;

export class ShapeError extends Error {
  override readonly name = 'ShapeError';
  readonly #path: string[] = [];

  constructor(private readonly wanted: string) {
    super();
  }

  inside(key: string): this {
    this.#path.unshift(key);
    return this;
  }

  override get message(): string {
    return `${this.#path.join('.') || '(top)'}: must be ${this.wanted}`;
  }
}

export const string: Reader<string> = (value) => {
  if (typeof value !== 'string') throw new ShapeError('a string');
  return value;
};

/** JSON has no infinity: it is written as a string. */
export const number: Reader<number> = (value) => {
  if (value === 'Infinity') return Number.POSITIVE_INFINITY;
  if (typeof value !== 'number') throw new ShapeError('a number');
  return value;
};

/** Of 64 bits, written as a string. */
export const bigint: Reader<bigint> = (value) => {
  if (typeof value !== 'string' || !/^-?\d{1,19}$/.test(value)) throw new ShapeError('a whole number as a string');
  return BigInt(value);
};

export function literal<const T extends string | boolean>(...values: readonly T[]): Reader<T> {
  return (value) => {
    const found = values.find((it) => it === value);
    if (found === undefined) throw new ShapeError(`one of ${values.join(', ')}`);
    return found;
  };
}

export function list<T>(read: Reader<T>): Reader<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw new ShapeError('a list');
    for (let i = 0; i < value.length; i++) readIn(value as never, i as never, read);
    return Object.freeze(value);
  };
}

export function pair<A, B>(first: Reader<A>, second: Reader<B>): Reader<readonly [A, B]> {
  return (value) => {
    if (!Array.isArray(value) || value.length !== 2) throw new ShapeError('a list of two');
    readIn(value as never, 0 as never, first);
    readIn(value as never, 1 as never, second);
    return Object.freeze(value) as unknown as readonly [A, B];
  };
}

/** An object of any keys. */
export function record<T>(read: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value) => {
    const input = plain(value);
    for (const key in input) readIn(input, key, read);
    return Object.freeze(input) as Readonly<Record<string, T>>;
  };
}

/** What may be missing, and is then `undefined`. */
export function maybe<T>(read: Reader<T>): Reader<T | undefined> {
  return (value) => (value === undefined ? undefined : read(value));
}

const OPTIONAL = new WeakSet<Reader<never>>();

/** What may be missing, and is then not there. */
export function optional<T>(read: Reader<T>): Reader<T> {
  const reader: Reader<T> = (value) => read(value);
  OPTIONAL.add(reader as Reader<never>);
  return reader;
}

/** An object of these keys: the compiler sees to it that none of the type is forgotten. */
export function object<T extends object>(fields: { readonly [K in keyof T]-?: Reader<T[K]> }): Reader<T> {
  const readers = Object.entries(fields) as [string, Reader<unknown>][];
  const known = readers.map(([name, read]) => [name, read, !OPTIONAL.has(read as Reader<never>)] as const);
  const names = new Set(known.map(([name]) => name));
  return (value) => {
    const input = plain(value);
    for (const name in input) if (!names.has(name)) throw new ShapeError('left out: no such field').inside(name);
    for (const [name, read, needed] of known) if (needed || Object.hasOwn(input, name)) readIn(input, name, read);
    return Object.freeze(input) as T;
  };
}

/** Objects told apart by their `kind`. */
export function variant<T extends { readonly kind: string }>(
  cases: {
    readonly [K in T['kind']]: Reader<T>;
  },
): Reader<T> {
  const byKind = new Map<unknown, Reader<T>>(Object.entries(cases) as [string, Reader<T>][]);
  return (value) => {
    const read = byKind.get(plain(value).kind);
    if (read === undefined) throw new ShapeError(`one of ${[...byKind.keys()].join(', ')}`).inside('kind');
    return read(value);
  };
}

/** Puts in place what is read where it is not the same. Keys of JSON are own ones, also one called `__proto__`. */
function readIn(holder: Record<string, unknown>, key: string, read: Reader<unknown>): void {
  const value = holder[key];
  try {
    const wanted = read(value);
    if (wanted !== value || value === undefined) holder[key] = wanted;
  } catch (error) {
    throw error instanceof ShapeError ? error.inside(String(key)) : error;
  }
}

function plain(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ShapeError('an object');
  return value as Record<string, unknown>;
}
