import type { Mutation } from '../../../src/message/index.js';
import type { Edit } from './splice.js';
import type { BodyFormat } from './view.js';

/** Frames up to this size are read before they are changed, so that entries which are set anew are cut out. */
export const READ_UP_TO = 4096;

export function deletes(mutation: Mutation): boolean {
  for (const [, value] of mutation.entries()) if (value === undefined) return true;
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
    const key = format.stringAt(frame, keyAt);
    if (key === undefined || !replaces(mutation, key)) continue;
    if (isPlain(frame[index[i + 1]!]!)) edits.push({ at: keyAt, remove: index[i + 2]! - keyAt, insert: undefined });
    else nulls.push(key);
  }
  return nulls;
}

function replaces(mutation: Mutation, key: string): boolean {
  const lowerKey = key.toLowerCase();
  for (const [changed, value] of mutation.entries()) {
    if (changed === key || (value === undefined && changed.toLowerCase() === lowerKey)) return true;
  }
  return false;
}
