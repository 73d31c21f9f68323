/**
 * Pairs of text behind a header: each the length of its key in two bytes, the key, and the same of its value. They end where
 * the header says. Of a key that comes twice the first counts. A pair that reaches beyond the end, and all behind it, is
 * as if it were not there: it is the receiver's to complain.
 */
import { asciiAt } from '../interned.js';
import type { Mutation } from '../mutation.js';

/** What is joined into one piece with the header. */
export const MAX_PAIRS_BYTES = 64 * 1024;

/** @param key - lower-cased */
export function findPair(head: Buffer, from: number, to: number, key: string, little: boolean): string | undefined {
  for (let at = from; at < to; ) {
    const value = endOfText(head, at, to, little);
    const end = value < 0 ? -1 : endOfText(head, value, to, little);
    if (end < 0) return undefined;
    if (textAt(head, at, value).toLowerCase() === key) return textAt(head, value, end);
    at = end;
  }
  return undefined;
}

export function* pairKeys(head: Buffer, from: number, to: number, little: boolean): Iterable<string> {
  for (let at = from; at < to; ) {
    const value = endOfText(head, at, to, little);
    const end = value < 0 ? -1 : endOfText(head, value, to, little);
    if (end < 0) return;
    yield textAt(head, at, value);
    at = end;
  }
}

/**
 * The pairs with a mutation's entries: those it names are taken out, those it sets come last, all others stay byte for
 * byte, also what is not understood.
 * @param isField - is the lower-cased key a field of the header, and so none of the pairs'?
 * @throws RangeError - a key or value has more than 65,535 bytes
 */
export function changePairs(
  head: Buffer,
  from: number,
  to: number,
  mutation: Mutation,
  isField: (key: string) => boolean,
  little: boolean,
): Buffer {
  const kept: Buffer[] = [];
  let at = from;
  while (at < to) {
    const value = endOfText(head, at, to, little);
    const end = value < 0 ? -1 : endOfText(head, value, to, little);
    if (end < 0) break;
    if (mutation.lookup(textAt(head, at, value)) === undefined) kept.push(head.subarray(at, end));
    at = end;
  }
  for (const [key, value] of mutation.entries()) {
    if (value !== undefined && !isField(key.toLowerCase())) kept.push(pair(key, value, little));
  }
  return Buffer.concat([...kept, head.subarray(at, to)]);
}

function pair(key: string, value: string, little: boolean): Buffer {
  const parts = [key, value].map((text) => Buffer.from(text));
  const bytes = Buffer.alloc(parts[0]!.length + parts[1]!.length + 4);
  let at = 0;
  for (const part of parts) {
    if (part.length > 0xffff) throw new RangeError(`a pair's text has ${part.length} bytes; at most 65,535`);
    if (little) bytes.writeUInt16LE(part.length, at);
    else bytes.writeUInt16BE(part.length, at);
    part.copy(bytes, at + 2);
    at += 2 + part.length;
  }
  return bytes;
}

/** Where the text that begins at `at` ends; -1: beyond the pairs. */
function endOfText(head: Buffer, at: number, to: number, little: boolean): number {
  if (at + 2 > to) return -1;
  const end = at + 2 + (little ? head.readUInt16LE(at) : head.readUInt16BE(at));
  return end > to ? -1 : end;
}

/** @param start - of its length */
function textAt(head: Buffer, start: number, end: number): string {
  return asciiAt(head, start + 2, end - start - 2) ?? head.toString('utf8', start + 2, end);
}
