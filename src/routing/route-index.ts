/**
 * Finds the first route that matches without trying them all: a tree over the routes' exact conditions.
 *
 * A node takes the attribute whose exact values split its routes best. Routes that want one value of it go to a branch
 * each, the others to `rest`; both are split again while that pays. A call looks into the branch of its own value and
 * into `rest`, and the lower place in the table wins: the first find bounds the search after it. So order is kept,
 * nothing is allocated, and a branch need not ask again what its value already says.
 *
 * Splitting pays if it spares a call that has one of the values an eighth of the routes. So each part is smaller by a
 * share, and the depth and the cost of building grow with the logarithm of the number of routes. A table that no exact
 * value splits (10,000 prefixes) is tried one by one.
 *
 * Building may be interrupted: it takes 10,000 routes some 20 ms.
 */
import type { Work } from '../runtime/index.js';
import type { CompiledRoute } from './compiled-route.js';
import type { AttributeMatcher, AttributeSource } from './matchers.js';

/** Fewer than these are quicker tried one by one than split. */
const SMALL = 8;
/** The share of routes that a split must spare. */
const WORTHWHILE = 1 / 8;
/** Routes between two yields: some tens of µs. */
const STEP = 64;
/** As a bound: none. As an answer: no route matches. A small integer, which is compared without being unboxed. */
export const NO_ROUTE = 0x3fffffff;

export interface RouteIndex {
  /** The place of the first route that matches, if it is before `bound`; else `bound`. */
  first(source: AttributeSource, bound: number): number;
}

export function* indexRoutes(routes: readonly CompiledRoute[]): Work<RouteIndex> {
  const entries: Entry[] = [];
  for (let i = 0; i < routes.length; i++) {
    entries.push({ place: routes[i]!.index, matchers: routes[i]!.matchers });
    if (i % STEP === STEP - 1) yield;
  }
  return yield* build(entries);
}

/** A route, with the conditions that are not yet known to hold where it stands in the tree. */
interface Entry {
  readonly place: number;
  readonly matchers: readonly AttributeMatcher[];
}

function* build(entries: readonly Entry[]): Work<RouteIndex> {
  const key = entries.length < SMALL ? undefined : yield* bestKey(entries);
  if (key === undefined) return new Leaf(entries);
  const branches = new Map<string, Entry[]>();
  const rest: Entry[] = [];
  for (let i = 0; i < entries.length; i++) {
    if (i % STEP === STEP - 1) yield;
    const entry = entries[i]!;
    const at = indexable(entry, key);
    if (at < 0) {
      rest.push(entry);
      continue;
    }
    const value = entry.matchers[at]!.onlyValue!;
    const narrowed = { place: entry.place, matchers: entry.matchers.toSpliced(at, 1) };
    const branch = branches.get(value);
    if (branch === undefined) branches.set(value, [narrowed]);
    else branch.push(narrowed);
  }
  const built = new Map<string, RouteIndex>();
  for (const [value, branch] of branches) {
    built.set(value, branch.length < SMALL ? new Leaf(branch) : yield* build(branch));
    if (built.size % STEP === 0) yield;
  }
  return new Split(key, built, rest.length > 0 ? yield* build(rest) : undefined);
}

/** Which of the conditions wants the attribute to have one value; -1 if none. */
function indexable({ matchers }: Entry, key: string): number {
  return matchers.findIndex((matcher) => matcher.onlyValue !== undefined && matcher.key === key);
}

/** The key that spares a call which has one of its values the most routes; undefined if it is too few. */
function* bestKey(entries: readonly Entry[]): Work<string | undefined> {
  const counts = new Map<string, Map<string, number>>();
  for (let at = 0; at < entries.length; at++) {
    if (at % STEP === STEP - 1) yield;
    const entry = entries[at]!;
    for (let i = 0; i < entry.matchers.length; i++) {
      const { key, onlyValue } = entry.matchers[i]!;
      if (onlyValue === undefined || indexable(entry, key) !== i) continue;
      const values = counts.get(key) ?? new Map<string, number>();
      counts.set(key, values);
      values.set(onlyValue, (values.get(onlyValue) ?? 0) + 1);
    }
  }
  let best: string | undefined;
  let most = entries.length * WORTHWHILE;
  for (const [key, values] of counts) {
    let indexed = 0;
    let squares = 0;
    let seen = 0;
    for (const count of values.values()) {
      indexed += count;
      squares += count * count;
      if (++seen % (STEP * STEP) === 0) yield;
    }
    const spared = indexed - squares / indexed;
    if (spared >= most) {
      best = key;
      most = spared;
    }
  }
  return best;
}

class Split implements RouteIndex {
  constructor(
    readonly key: string,
    readonly branches: ReadonlyMap<string, RouteIndex>,
    readonly rest: RouteIndex | undefined,
  ) {}

  first(source: AttributeSource, bound: number): number {
    const value = source.getLower(this.key);
    const branch = value === undefined ? undefined : this.branches.get(value);
    const found = branch === undefined ? bound : branch.first(source, bound);
    return this.rest === undefined ? found : this.rest.first(source, found);
  }
}

class Leaf implements RouteIndex {
  constructor(readonly entries: readonly Entry[]) {}

  first(source: AttributeSource, bound: number): number {
    const entries = this.entries;
    let key: string | undefined;
    let value: string | undefined;
    next: for (let i = 0; i < entries.length; i++) {
      const { place, matchers } = entries[i]!;
      if (place >= bound) return bound;
      for (let j = 0; j < matchers.length; j++) {
        const matcher = matchers[j]!;
        if (matcher.key !== key) {
          key = matcher.key;
          value = source.getLower(key);
        }
        if (!matcher.holds(value)) continue next;
      }
      return place;
    }
    return bound;
  }
}
