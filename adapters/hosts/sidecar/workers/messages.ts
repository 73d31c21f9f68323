/**
 * What a primary and its workers say to each other, over Node's own channel between them. Both are of the same package and
 * start together, so that nothing is checked. Rules are cloned as they are (`serialization: 'advanced'`): they have whole
 * numbers of 64 bits, sets and infinity.
 */
import type { RuleChange } from '../../../../src/rules/index.js';
import type { LoadedConfig } from '../../../node/config.js';
import type { ProcessStatus } from '../../../node/control.js';
import type { Health } from '../health.js';
import type { OpenListener, SidecarReport } from '../report.js';

/** A source that the primary follows. */
export interface SourceDescription {
  readonly name: string;
  readonly precedence: number;
  readonly local?: true;
}

export type ToWorker =
  | {
      readonly type: 'start';
      readonly config: LoadedConfig;
      readonly sources: readonly SourceDescription[];
      readonly index: number;
      readonly count: number;
    }
  /**
   * What a source says to who watches it by that number. A batch may come in pieces, and is one when there are no `more`.
   * `reset`: it is all there is, and what is not in it is gone.
   */
  | {
      readonly type: 'rules';
      readonly watch: number;
      readonly changes: readonly RuleChange[];
      readonly reset: boolean;
      readonly more: boolean;
    }
  | { readonly type: 'failed'; readonly watch: number; readonly error: string }
  | { readonly type: 'reload'; readonly config: LoadedConfig }
  | { readonly type: 'status'; readonly id: number }
  | { readonly type: 'drain' }
  | { readonly type: 'cut' };

export type FromWorker =
  /** It listens to what it is told. */
  | { readonly type: 'hello' }
  | { readonly type: 'watch'; readonly watch: number; readonly source: string; readonly inUse: ReadonlySet<string> }
  | { readonly type: 'in-use'; readonly watch: number; readonly inUse: ReadonlySet<string> }
  | { readonly type: 'unwatch'; readonly watch: number }
  | { readonly type: 'report'; readonly report: SidecarReport }
  | { readonly type: 'health'; readonly health: Health; readonly listening: readonly OpenListener[] }
  /** Without a status it is still about to start. */
  | { readonly type: 'status'; readonly id: number; readonly status?: ProcessStatus };
