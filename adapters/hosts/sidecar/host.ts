import type { LoadedConfig } from '../../node/config.js';
import type { Health } from './health.js';
import type { OpenListener } from './report.js';

/** What serves, for as long as a sidecar runs: a mesh in this process, or workers that have one each. */
export interface Host {
  readonly health: Health;
  readonly listening: readonly OpenListener[];
  /**
   * Resolves when it is ready for the first time, or was drained before.
   * @throws Error - it never will be
   */
  ready(): Promise<void>;
  /**
   * Takes over another configuration, as far as it can.
   * @param giveUp - ends the waiting for rules and listeners that do not come
   * @throws Error - it stays with the one before
   */
  reload(config: LoadedConfig, giveUp: AbortSignal): Promise<void>;
  /** Accepts no more, and goes on serving until nobody is connected any more, the drain time is up, or it is cut short. */
  drain(cut: Promise<void>): Promise<void>;
}
