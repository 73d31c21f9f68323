import type { RuleUpsert } from '../model.js';

/** What a source said last, of which everything was good. */
export interface StoredRules {
  /** The source's own. */
  readonly version: string | undefined;
  /** Unix ms. */
  readonly savedAt: number;
  readonly rules: readonly RuleUpsert[];
}

/** Where rules outlive the process: see `lastGoodFiles`. */
export interface LastGoodStore {
  /**
   * @returns undefined if there is nothing
   * @throws Error - what is there cannot be used; it names what and why, and will not be found again
   */
  load(source: string): Promise<StoredRules | undefined>;
  /**
   * Replaces what is there, whole or not at all. Of one source only one at a time.
   * @throws Error - it is not stored, with the reason; what was there before still is
   */
  save(source: string, rules: StoredRules): Promise<void>;
}
