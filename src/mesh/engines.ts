import type { BreakerEngineFactory, EngineOptions, Engines, PacingEngineFactory } from '../policy/index.js';
import type { EngineName } from '../routing/index.js';
import type { HashEngine, RegexEngine } from '../rules/index.js';
import type { Work } from '../runtime/index.js';

const NAMES = ['regex', 'hash', 'breaker', 'pacing'] as const satisfies readonly EngineName[];

/** The engines of a mesh. Those that are given as functions are loaded when the first rule asks for them. */
export class MeshEngines implements Engines {
  regex?: RegexEngine;
  hash?: HashEngine;
  breaker?: BreakerEngineFactory;
  pacing?: PacingEngineFactory;
  readonly #coming = new Map<EngineName, () => Promise<void>>();

  /** @param failed - told once of each engine that cannot be loaded: rules that ask for it are refused from then on. */
  constructor(given: EngineOptions, failed: (error: string) => void) {
    for (const name of NAMES) {
      const engine = given[name];
      if (typeof engine !== 'function') {
        if (engine !== undefined) this.#put(name, engine);
        continue;
      }
      let loading: Promise<void> | undefined;
      const load = async () => {
        try {
          this.#put(name, await engine());
        } catch (thrown) {
          failed(`the engine '${name}' cannot be loaded: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
        }
        this.#coming.delete(name);
      };
      this.#coming.set(name, () => {
        loading ??= load();
        return loading;
      });
    }
  }

  /** @returns never rejects; undefined: there is nothing to wait for */
  load(names: Iterable<EngineName>): Promise<unknown> | undefined {
    const loads = [...names].flatMap((name) => this.#coming.get(name) ?? []);
    return loads.length === 0 ? undefined : Promise.all(loads.map((load) => load()));
  }

  *loadAll(): Work {
    const coming = this.load(NAMES);
    if (coming !== undefined) yield coming;
  }

  #put<Name extends EngineName>(name: Name, engine: NonNullable<Engines[Name]>): void {
    (this as { [N in EngineName]?: Engines[N] })[name] = engine as Engines[Name];
  }
}
