import type { Provenance } from './model.js';

/** A rule that cannot be used. The message names what is wrong, where it was written and what to do. */
export class RuleError extends Error {
  override readonly name = 'RuleError';

  constructor(
    /** What is wrong and what to do, without the place. */
    readonly problem: string,
    readonly from: Provenance,
  ) {
    super(`${from.origin}: ${problem}`);
  }
}
