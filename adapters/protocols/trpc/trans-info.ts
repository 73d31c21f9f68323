/** `trans_info`: a map of text to bytes, which trpc-go fills with any bytes; see `src/message/text-pairs.ts`. */
import { findPairs, PAIR } from '../../../src/message/index.js';
import type { Head } from './head.js';

const NO_PAIRS: readonly number[] = Object.freeze([]);

/** An index of more pairs is not kept: of a header full of empty ones it takes twelve times the header's bytes. */
const KEPT_PAIRS = 256;

/** All pairs, in order; found once. */
export function pairsOf(frame: Buffer, head: Head): readonly number[] {
  if (head.pairs !== undefined) return head.pairs;
  const pairs = head.info === 0 ? NO_PAIRS : findPairs(frame, head.info, head.end, head.infoNumber);
  if (pairs.length <= KEPT_PAIRS * PAIR) head.pairs = pairs;
  return pairs;
}
