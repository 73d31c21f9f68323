import type { Message, Mutation } from '../../../src/message/index.js';
import type { Edit } from './splice.js';
import type { BodyFormat } from './view.js';

/** In frames up to this size, entries that are set anew are looked for and cut out. */
export const READ_UP_TO = 4096;

/**
 * Must the attachments be read to make this mutation? To delete, always. To set, only in a small frame in which the key's
 * very bytes stand somewhere: in a large one the later entry just wins.
 */
export function mustRead(format: BodyFormat, message: Message, total: number, mutation: Mutation): boolean {
  const small = total <= READ_UP_TO;
  for (let i = 0; i < mutation.size; i++) {
    if (mutation.valueAt(i) === undefined) return true;
    if (small && (message.bytes.length > 1 || format.mayHold(message.bytes[0]!, mutation.keyAt(i)))) return true;
  }
  return false;
}

/**
 * Cuts out of a frame the attachments that the mutation replaces or deletes.
 * @param isPlain - of a value's tag: nothing can refer to it
 * @returns the keys that could not be cut, to be overridden by null
 */
export function cutEntries(
  format: BodyFormat,
  frame: Buffer,
  index: readonly number[],
  mutation: Mutation,
  isPlain: (tag: number) => boolean,
  edits: Edit[],
): readonly string[] {
  const nulls: string[] = [];
  for (let i = 0; i + 1 < index.length; i += 2) {
    const keyAt = index[i]!;
    if (!replaces(mutation, format, frame, keyAt)) continue;
    if (isPlain(frame[index[i + 1]!]!)) edits.push({ at: keyAt, remove: index[i + 2]! - keyAt, insert: undefined });
    else nulls.push(format.stringAt(frame, keyAt)!);
  }
  return nulls;
}

function replaces(mutation: Mutation, format: BodyFormat, frame: Buffer, keyAt: number): boolean {
  for (let i = 0; i < mutation.size; i++) {
    const key = mutation.keyAt(i);
    if (!format.keyIs(frame, keyAt, key.toLowerCase())) continue;
    if (mutation.valueAt(i) === undefined || format.stringAt(frame, keyAt) === key) return true;
  }
  return false;
}
