import type { Provenance } from '../../../../src/rules/index.js';
import type { RuleObject } from '../kinds/index.js';
import { type Path, type Problem, type Report, reportTo } from '../problem.js';

/** The objects of a set by kind, and where findings go. */
export class Context {
  readonly #problems = new Map<string, Problem>();
  readonly #byKind = new Map<string, RuleObject[]>();

  /** Objects of one identity: the last counts, as when they are applied one after the other. */
  constructor(objects: readonly RuleObject[]) {
    const byIdentity = new Map<string, RuleObject>();
    for (const object of objects) {
      const identity = object.name === '' ? `#${byIdentity.size}` : object.title;
      const earlier = byIdentity.get(identity);
      if (earlier !== undefined) {
        const where = `${earlier.place.file}:${earlier.place.locate([]).line}`;
        this.report(object).warning([], `replaces the object of the same name in ${where}; remove one of them`);
        byIdentity.delete(identity);
      }
      byIdentity.set(identity, object);
    }
    for (const object of byIdentity.values()) {
      const list = this.#byKind.get(object.kind);
      if (list === undefined) this.#byKind.set(object.kind, [object]);
      else list.push(object);
    }
    // A stable sort: document order decides among equals.
    for (const list of this.#byKind.values()) list.sort((a, b) => a.createdAt - b.createdAt);
  }

  /** Oldest first, then in document order. */
  all<Spec>(kind: string): readonly RuleObject<Spec>[] {
    return (this.#byKind.get(kind) ?? []) as RuleObject<Spec>[];
  }

  report(object: RuleObject): Report {
    const found: Problem[] = [];
    const report = reportTo(found, object.place, object.title);
    const keep = (tell: (path: Path, message: string) => void) => (path: Path, message: string) => {
      tell(path, message);
      // Ports share routes: the same finding is told once.
      for (const problem of found.splice(0)) this.#problems.set(JSON.stringify(problem), problem);
    };
    return { error: keep(report.error), tolerated: keep(report.tolerated), warning: keep(report.warning) };
  }

  get problems(): readonly Problem[] {
    return [...this.#problems.values()];
  }
}

export function provenance(object: RuleObject, path: Path = []): Provenance {
  return { source: 'file', origin: `${object.place.file}:${object.place.locate(path).line} ${object.title}` };
}

/** The first object for each key; the others are told that they do not count. */
export function firstByKey<Spec>(
  context: Context,
  objects: readonly RuleObject<Spec>[],
  keysOf: (object: RuleObject<Spec>) => Iterable<string>,
): ReadonlyMap<string, RuleObject<Spec>> {
  const first = new Map<string, RuleObject<Spec>>();
  for (const object of objects) {
    for (const key of new Set(keysOf(object))) {
      const winner = first.get(key);
      if (winner === undefined) first.set(key, object);
      else {
        context
          .report(object)
          .warning(['spec'], `has no effect on ${key}: ${winner.title} counts, as the oldest, then the first written`);
      }
    }
  }
  return first;
}
