import type { Work } from '../runtime/index.js';

/**
 * Takes part in each change of rules. First all followers make ready aside, in as many turns of the event loop as that
 * takes: nobody sees anything of it. Then all commit within one turn: calls see the rules before, or those after. Last they
 * tidy up, again in slices, before the next change begins.
 *
 * @typeParam C - what changed
 */
export interface Follower<C> {
  /** Readers are still shown what was before. */
  stage?(change: C): Work;
  /** Has to be quick, however large the change is: 5 ms for all followers together. */
  commit(change: C): void;
  settle?(change: C): Work;
}
