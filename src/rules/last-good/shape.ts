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
    if (!values.includes(value as T)) throw new ShapeError(`one of ${values.join(', ')}`);
    return value as T;
  };
}

/** Most lists and many objects of rules are empty: one of each stands for all, and the parsed ones are let go. */
const NO_ITEMS: readonly never[] = Object.freeze([]);
const NO_FIELDS: Readonly<Record<string, never>> = Object.freeze({});

export function list<T>(read: Reader<T>): Reader<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw new ShapeError('a list');
    if (value.length === 0) return NO_ITEMS;
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
    let fields = 0;
    for (const key in input) {
      readIn(input, key, read);
      fields++;
    }
    return fields === 0 ? NO_FIELDS : (Object.freeze(input) as Readonly<Record<string, T>>);
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
  const known = readers.map(([name, read]) => ({ name, read, optional: OPTIONAL.has(read as Reader<never>) }));
  const allOptional = known.every(({ optional }) => optional);
  return (value) => {
    const input = plain(value);
    let found = 0;
    for (const { name, read, optional } of known) {
      // JSON has no `undefined`.
      if (input[name] !== undefined) found++;
      else if (optional) continue;
      readIn(input, name, read);
    }
    let said = 0;
    for (const name in input) if (input[name] !== undefined) said++;
    if (said !== found) throw leftOver(input, fields);
    return (said === 0 && allOptional ? NO_FIELDS : Object.freeze(input)) as T;
  };
}

function leftOver(input: object, fields: object): ShapeError {
  const name = Object.keys(input).find((it) => !Object.hasOwn(fields, it));
  return new ShapeError('left out: no such field').inside(String(name));
}

/** Gives the object that was read last again as long as the next one says the same. */
export function repeated<T extends object>(read: Reader<T>): Reader<T> {
  let last: T | undefined;
  return (value) => {
    if (last === undefined || !saysTheSame(plain(value), last as Record<string, unknown>)) last = read(value);
    return last;
  };
}

function saysTheSame(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  let said = 0;
  for (const key in a) {
    if (a[key] !== b[key]) return false;
    said++;
  }
  for (const _ in b) said--;
  return said === 0;
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
