/** `trans_info`: a map of text to bytes, which trpc-go fills with any bytes; see `src/message/text-pairs.ts`. */
import { findPairs } from '../../../src/message/index.js';
import type { Head } from './head.js';

const NO_PAIRS: readonly number[] = Object.freeze([]);

/** All pairs, in order; found once. */
export function pairsOf(frame: Buffer, head: Head): readonly number[] {
  if (head.pairs !== undefined) return head.pairs;
  head.pairs = head.info === 0 ? NO_PAIRS : findPairs(frame, head.info, head.end, head.infoNumber);
  return head.pairs;
}
