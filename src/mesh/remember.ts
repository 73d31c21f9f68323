import {
  type Adoption,
  type LastGoodStore,
  type RememberingSource,
  type RuleSource,
  type RuleUpsert,
  withLastGood,
} from '../rules/index.js';
import type { Expirable, Runtime } from '../runtime/index.js';

/** How long a mesh that closes waits for a slow disk. */
const STORED_WITHIN_MS = 2000;

export interface RememberOptions {
  readonly store: LastGoodStore;
  readonly runtime: Runtime;
  readonly adoption: Adoption;
  /** Nothing is wrong with it. */
  readonly usable: (rule: RuleUpsert['rule']) => boolean;
}

export interface Remembered {
  readonly sources: readonly RuleSource[];
  /** Once they are watched: when what earlier processes stored has been said. */
  read(): Promise<unknown>;
  /** Once the sources are let go: when what they said is stored, or that takes too long. */
  stored(): Promise<void>;
}

/** Gives a memory to the sources that are not of this machine. */
export function remember(sources: readonly RuleSource[], options: RememberOptions): Remembered {
  const { store, runtime, adoption } = options;
  const usable = (rule: RuleUpsert['rule']) => {
    try {
      return options.usable(rule);
    } catch {
      // What is no rule, from a source of somebody's own: adoption has told it.
      return false;
    }
  };
  const accepted = ({ kind, rule }: RuleUpsert) => {
    // As they come, by adoption too.
    if (kind === 'endpoints') return true;
    if (kind === 'cluster') return adoption.clusters.get(rule.name) === rule || usable(rule);
    return !adoption.held.has(rule.key) && (adoption.services.get(rule.key) === rule || usable(rule));
  };
  const remembering: RememberingSource[] = [];
  const all = sources.map((source) => {
    if (source.local) return source;
    const remembered = withLastGood(source, { store, runtime, accepted });
    remembering.push(remembered);
    return remembered;
  });
  return {
    sources: all,
    read: () => Promise.all(remembering.map((source) => source.remembered())),
    stored: () => soon(Promise.all(remembering.map((source) => source.stored())), runtime),
  };
}

function soon(done: Promise<unknown>, runtime: Runtime): Promise<void> {
  return new Promise((resolve) => {
    const late: Expirable = { expired: () => resolve() };
    const timer = runtime.timers.arm(STORED_WITHIN_MS, late);
    void done.then(() => {
      timer.cancel();
      resolve();
    });
  });
}
