import type { Observable } from 'rxjs';
import type { Runtime } from '../runtime/index.js';
import type { RuleChange } from './model.js';

/**
 * Where rules come from: files, a control plane, code. `watch` is cold; each emission is one batch, applied at once, so
 * that what belongs together (a route and its cluster) is adopted together. It errors only when it can never go on.
 */
export interface RuleSource {
  readonly name: string;
  /** When sources say different things of one key, the higher wins. Code 400, file 300, MetaRDS and xDS 200, registry 100. */
  readonly precedence: number;
  /** It reads what lies on this machine: no last-good copy is kept of what it says. */
  readonly local?: true;
  /** @param context - of the mesh that watches; tools that only read rules give none */
  watch(context?: SourceContext): Observable<readonly RuleChange[]>;
}

/** What a mesh tells its sources. */
export interface SourceContext {
  readonly runtime: Runtime;
  /** Keys of the services that this process calls: those now, then at each change. */
  readonly inUse: Observable<ReadonlySet<string>>;
}
