/**
 * What setting and deleting attributes has in common for all serializations: nothing is decoded and encoded again, which
 * no library does byte for byte; the frame's bytes are edited.
 *
 * - Set: the new entry goes before the end of the attachments. Of two entries with one key the later wins in the map that
 *   every reader builds. In a frame of some size that is all, since to find an earlier entry the arguments would have to
 *   be walked; in a small one an earlier entry of the very same key is cut out, so that they don't pile up hop by hop.
 * - Delete: every entry of that key, compared lower-cased, is cut out. One whose value is no plain value is overridden by
 *   null instead: values behind it may refer to what it defines, or count it.
 * - Attachments that are null or missing become a map. A typed map stays one.
 * - A reply without attachments gets them at its end, and its kind says so: 0 → 3, 1 → 4, 2 → 5.
 */
import type { Message, Mutation } from '../../../src/message/index.js';
import { fastjson2Edits } from './fastjson2/mutate.js';
import { FASTJSON2, HESSIAN2, isEvent, isRequest, STATUS, serializationOf, statusOf } from './header.js';
import { hessianEdits } from './hessian/mutate.js';
import type { Edit } from './splice.js';

const NO_EDITS: readonly Edit[] = Object.freeze([]);

/**
 * The edits that make the mutation, in order of place. None for events, for replies that report an error of the framework
 * (their body is a string) and for replies in a serialization that is not read.
 * @throws Error - it cannot be done to this request, and why.
 */
export function editsOf(message: Message, mutation: Mutation): readonly Edit[] {
  const { tag } = message;
  if (isEvent(tag) || (!isRequest(tag) && statusOf(tag) !== STATUS.OK)) return NO_EDITS;
  const serialization = serializationOf(tag);
  if (serialization === HESSIAN2) return hessianEdits(message, mutation);
  if (serialization === FASTJSON2) return fastjson2Edits(message, mutation);
  if (!isRequest(tag)) return NO_EDITS;
  throw new Error(
    `no attribute can be set on a request in Dubbo serialization ${serialization}: only 2 and 23 are known`,
  );
}
