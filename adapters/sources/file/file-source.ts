import { Observable } from 'rxjs';
import { type Rule, type RuleChange, type RuleKind, type RuleSource, sameContent } from '../../../src/rules/index.js';
import { type Listing, listFiles } from './files.js';
import { type LoadedRules, loadListing } from './load.js';
import { blocks, describeUnlabelled, type Problem, RulesError } from './problem.js';
import { FileWatch, type WatchOptions } from './watch.js';

export interface FileSourceOptions extends WatchOptions {
  /** Files, and folders that are walked for `.yaml`, `.yml` and `.json`. All of them make one set. */
  readonly paths: string | readonly string[];
  /** Follow changes. @defaultValue true */
  readonly watch?: boolean;
  /** Sets of more bytes are parsed in a worker thread. @defaultValue 256 KiB */
  readonly workerAbove?: number;
}

/**
 * Rules from YAML files. The first batch holds all rules and ends with `complete`; then each change of the files is one
 * batch of what differs. Warnings and tolerated errors come as `problem`s.
 *
 * Files that cannot be used when the source starts end it, with a {@link RulesError} on the Observable that lists why, so that a process does not start with rules it does not have. Later they change nothing: the last good rules of the
 * whole set stay in force, and the problems are told once. A set without files is a set without rules.
 *
 * Unsubscribing stops watching and parsing. Watching alone does not keep the process alive.
 */
export function fileSource(options: FileSourceOptions): RuleSource {
  const paths = typeof options.paths === 'string' ? [options.paths] : options.paths;
  return {
    name: 'file',
    precedence: 300,
    local: true,
    watch: () =>
      new Observable((subscriber) => {
        const abort = new AbortController();
        const load = (listing: Listing) => loadListing(listing, { ...options, signal: abort.signal });
        const ledger = new Ledger();
        let watching: FileWatch | undefined;

        const start = async () => {
          const listing = await listFiles(paths);
          const rules = await load(listing);
          if (!rules.usable) {
            const warnings = problemsOf(rules.problems.filter((problem) => !blocks(problem)));
            if (warnings.length > 0) subscriber.next(warnings);
            subscriber.error(new RulesError(rules.problems));
            return;
          }
          subscriber.next([...ledger.changes(rules), ...ledger.problems(rules), { type: 'complete' }]);
          if (subscriber.closed) return;
          if (options.watch === false) subscriber.complete();
          else watching = new FileWatch(paths, listing, reload, options);
        };
        const reload = async (listing: Listing) => {
          const rules = await load(listing).catch(() => undefined);
          if (rules === undefined || subscriber.closed) return;
          const before = ledger.told;
          const batch = [...(rules.usable ? ledger.changes(rules) : []), ...ledger.problems(rules)];
          if (ledger.told === before && !batch.some(({ type }) => type !== 'problem')) return;
          // An empty one takes back problems that are gone.
          subscriber.next(batch.length > 0 ? batch : [{ type: 'complete' }]);
        };
        start().catch((error: unknown) => {
          if (!abort.signal.aborted) subscriber.error(error);
        });
        return () => {
          abort.abort();
          watching?.close();
        };
      }),
  };
}

/** What was said before: only what differs is said again. */
class Ledger {
  #rules = new Map<string, { readonly kind: RuleKind; readonly key: string; readonly rule: Rule }>();
  /** The problems that stand, in one text. */
  told = '';

  changes(rules: LoadedRules): RuleChange[] {
    const before = this.#rules;
    const changes: RuleChange[] = [];
    this.#rules = new Map();
    const visit = (kind: RuleKind, key: string, rule: Rule, change: RuleChange) => {
      const id = `${kind} ${key}`;
      this.#rules.set(id, { kind, key, rule });
      // Where a rule stands is no part of it: a line added above changes nothing.
      if (!sameContent(before.get(id)?.rule, rule)) changes.push(change);
    };
    for (const rule of rules.clusters) {
      visit('cluster', rule.name, rule, { type: 'upsert', kind: 'cluster', rule: deepFreeze(rule) });
    }
    for (const rule of rules.endpoints) {
      visit('endpoints', rule.key, rule, { type: 'upsert', kind: 'endpoints', rule: deepFreeze(rule) });
    }
    for (const rule of rules.services) {
      visit('service', rule.key, rule, { type: 'upsert', kind: 'service', rule: deepFreeze(rule) });
    }
    for (const [id, { kind, key }] of before) {
      if (!this.#rules.has(id)) changes.push({ type: 'remove', kind, key });
    }
    return changes;
  }

  /** All that stand. */
  problems(rules: LoadedRules): RuleChange[] {
    const problems = problemsOf(rules.problems);
    this.told = problems.map(({ message }) => message).join('\n');
    return problems;
  }
}

/** Those that stand in the way first: whoever reads only the first lines reads these. Each once. */
function problemsOf(problems: readonly Problem[]): Extract<RuleChange, { type: 'problem' }>[] {
  const sorted = [...problems].sort((a, b) => Number(blocks(b)) - Number(blocks(a)));
  const unique = new Map(sorted.map((problem) => [describeUnlabelled(problem), blocks(problem)]));
  return [...unique].map(([message, blocking]) => ({
    type: 'problem',
    message,
    severity: blocking ? 'error' : 'warning',
  }));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const each of Object.values(value)) deepFreeze(each);
  }
  return value;
}
