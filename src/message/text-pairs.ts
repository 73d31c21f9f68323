/**
 * Maps of text in protobuf's wire format: a field of {1 key, 2 value} for each pair, read and made where they lie. Where a
 * key comes twice the later pair counts, as in every reader's map. A value that is no text (a map's values may be any
 * bytes) is no attribute: it is passed on, and may be deleted or replaced.
 */
import { isUtf8 } from 'node:buffer';
import { asciiAt } from './interned.js';
import { FieldReader, varintLength, writeVarint } from './tagged-fields.js';

/** Numbers that a pair takes in the index: its field's start and end, key and value by start and length. */
export const PAIR = 6;

const fields = new FieldReader();
const entry = new FieldReader();

/** All pairs that are fields of that number, in order. Those that are malformed inside are left out. */
export function findPairs(frame: Buffer, from: number, to: number, number: number): number[] {
  const pairs: number[] = [];
  fields.open(frame, from, to);
  while (fields.next()) {
    if (fields.number !== number || fields.wireType !== 2) continue;
    let key = fields.at;
    let keyLength = 0;
    let value = fields.at;
    let valueLength = 0;
    entry.open(frame, fields.at, fields.end);
    while (entry.next()) {
      if (entry.wireType !== 2) continue;
      if (entry.number === 1) {
        key = entry.at;
        keyLength = entry.length;
      } else if (entry.number === 2) {
        value = entry.at;
        valueLength = entry.length;
      }
    }
    if (!entry.malformed) pairs.push(fields.start, fields.end, key, keyLength, value, valueLength);
  }
  return pairs;
}

/** @param lowerKey - lower-cased already */
export function pairValue(frame: Buffer, pairs: readonly number[], lowerKey: string): string | undefined {
  for (let i = pairs.length - PAIR; i >= 0; i -= PAIR) {
    if (keyIs(frame, pairs[i + 2]!, pairs[i + 3]!, lowerKey)) return textAt(frame, pairs[i + 4]!, pairs[i + 5]!);
  }
  return undefined;
}

/** Adds the keys of all pairs that have a value, as {@link pairValue} finds it, in order. One walk, however many there are. */
export function addPairKeys(frame: Buffer, pairs: readonly number[], keys: Set<string>): void {
  const found: string[] = [];
  const decided = new Map<string, boolean>();
  for (let i = pairs.length - PAIR; i >= 0; i -= PAIR) {
    const key = textAt(frame, pairs[i + 2]!, pairs[i + 3]!);
    if (key === undefined) continue;
    const lower = key.toLowerCase();
    let hasValue = decided.get(lower);
    if (hasValue === undefined) {
      hasValue = textAt(frame, pairs[i + 4]!, pairs[i + 5]!) !== undefined;
      decided.set(lower, hasValue);
    }
    if (hasValue) found.push(key);
  }
  for (let i = found.length - 1; i >= 0; i--) keys.add(found[i]!);
}

/** Is that the key, in any letter case? */
export function keyIs(frame: Buffer, at: number, length: number, lowerKey: string): boolean {
  const sameLength = length === lowerKey.length;
  for (let i = 0; i < length; i++) {
    let c = frame[at + i]!;
    if (c > 0x7f) return textAt(frame, at, length)?.toLowerCase() === lowerKey;
    if (c >= 0x41 && c <= 0x5a) c |= 0x20;
    // Of another length it is only another key if it is plain ASCII to its end.
    if (sameLength && c !== lowerKey.charCodeAt(i)) return false;
  }
  return sameLength;
}

/** Undefined: it is no text. */
export function textAt(frame: Buffer, at: number, length: number): string | undefined {
  const ascii = asciiAt(frame, at, length);
  if (ascii !== undefined) return ascii;
  const bytes = frame.subarray(at, at + length);
  return isUtf8(bytes) ? bytes.toString() : undefined;
}

/** The pair as the field of that number, which is below 16. */
export function encodedPair(number: number, key: string, value: string): Buffer {
  const keyLength = Buffer.byteLength(key);
  const valueLength = Buffer.byteLength(value);
  const length = 2 + varintLength(keyLength) + keyLength + varintLength(valueLength) + valueLength;
  const pair = Buffer.allocUnsafe(1 + varintLength(length) + length);
  pair[0] = (number << 3) | 2;
  let at = writeVarint(pair, 1, length);
  pair[at] = (1 << 3) | 2;
  at = writeVarint(pair, at + 1, keyLength);
  at += pair.write(key, at);
  pair[at] = (2 << 3) | 2;
  at = writeVarint(pair, at + 1, valueLength);
  pair.write(value, at);
  return pair;
}
