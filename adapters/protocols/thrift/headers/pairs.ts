/**
 * The pairs in a header, found when somebody asks. What comes behind protocol and transforms is a row of blocks:
 *
 *     THeader   01 | count varint | (length varint, key | length varint, value) × count;  00: padding to the end
 *     TTHeader  01 | count u16 | (length u16, key | length u16, value) × count
 *               10 | count u16 | (key u16 | length u16, value) × count
 *               11 | length u16, token;  00: one byte of padding
 *
 * A block of another kind has a length that nobody tells, so it and what follows stay as they are. A header that breaks off
 * inside a block has the pairs before that place.
 */
import type { Message } from '../../../../src/message/index.js';
import type { Pairs, View } from '../view.js';
import { HEADER, readUint16, TRANSPORT, transportOf } from '../wire.js';
import { keyOf, numberOf } from './numbered.js';

export const BLOCK = { PADDING: 0, PAIRS: 0x01, NUMBERED: 0x10, TOKEN: 0x11 } as const;

/** Far above what anybody sends; a header with more is taken for broken. */
const MAX_PAIRS = 10_000;

/** The pairs of a message that has a header. */
export function pairsOf(message: Message): Pairs {
  const view = message.view as View;
  view.pairs ??= readPairs(message.bytes[0]!, transportOf(message.tag) === TRANSPORT.THEADER);
  return view.pairs;
}

/** Where a frame's header ends. */
export function headerEnd(frame: Buffer): number {
  return HEADER.START + 4 * readUint16(frame, HEADER.WORDS);
}

/** The key of the entry at `i`, as people write it. */
export function keyAt(frame: Buffer, { entries }: Pairs, i: number): string {
  const at = entries[i + 1]!;
  const length = entries[i + 2]!;
  return length < 0 ? keyOf(readUint16(frame, at)) : frame.toString('utf8', at, at + length);
}

/** Is this the key of the entry at `i`, compared lower-cased? Builds nothing for plain ASCII. */
export function keyIs(frame: Buffer, entries: readonly number[], i: number, lowerKey: string): boolean {
  const at = entries[i + 1]!;
  const length = entries[i + 2]!;
  if (length < 0) {
    const number = readUint16(frame, at);
    return numberOf(lowerKey) === number || String(number) === lowerKey;
  }
  if (length !== lowerKey.length) return !isAscii(frame, at, length) && lowerText(frame, at, length) === lowerKey;
  for (let i = 0; i < length; i++) {
    let byte = frame[at + i]!;
    if (byte >= 0x41 && byte <= 0x5a) byte |= 0x20;
    if (byte > 0x7f) return lowerText(frame, at, length) === lowerKey;
    if (byte !== lowerKey.charCodeAt(i)) return false;
  }
  return true;
}

function isAscii(frame: Buffer, at: number, length: number): boolean {
  let all = 0;
  for (let i = at; i < at + length; i++) all |= frame[i]!;
  return all <= 0x7f;
}

function lowerText(frame: Buffer, at: number, length: number): string {
  return frame.toString('utf8', at, at + length).toLowerCase();
}

function readPairs(frame: Buffer, varints: boolean): Pairs {
  const reading = new Reading(frame, headerEnd(frame), varints);
  const entries: number[] = [];
  const others: number[] = [];
  let from: number = HEADER.START;
  try {
    reading.number();
    for (let transforms = reading.number(); transforms > 0; transforms--) reading.number();
    from = reading.at;
    while (reading.at < reading.end && readBlock(reading, entries, others));
    return { entries, others, from, whole: true };
  } catch (error) {
    if (error !== BROKEN) throw error;
    return { entries, others, from, whole: false };
  }
}

/** @returns whether there may be more */
function readBlock(reading: Reading, entries: number[], others: number[]): boolean {
  const start = reading.at;
  const kind = reading.frame[reading.at++]!;
  if (kind === BLOCK.PADDING) return !reading.varints;
  if (kind === BLOCK.PAIRS || (kind === BLOCK.NUMBERED && !reading.varints)) {
    readEntries(reading, kind === BLOCK.NUMBERED, entries);
    return true;
  }
  if (kind === BLOCK.TOKEN && !reading.varints) {
    reading.bytes();
    others.push(start, reading.at);
    return true;
  }
  others.push(start, reading.end);
  return false;
}

function readEntries(reading: Reading, numbered: boolean, entries: number[]): void {
  for (let left = reading.count(); left > 0; left--) {
    if (entries.length >= 5 * MAX_PAIRS) throw BROKEN;
    const start = reading.at;
    let keyLength = -1;
    let keyAt = start;
    if (numbered) reading.at += 2;
    else {
      keyLength = reading.bytes();
      keyAt = reading.at - keyLength;
    }
    const valueLength = reading.bytes();
    entries.push(start, keyAt, keyLength, reading.at - valueLength, valueLength);
  }
}

/** Reads on in a header; nothing beyond its end. */
class Reading {
  at: number = HEADER.START;

  constructor(
    readonly frame: Buffer,
    readonly end: number,
    /** THeader's lengths are varints; TTHeader's are of two bytes. */
    readonly varints: boolean,
  ) {}

  /** A varint in THeader, a byte in TTHeader. @throws BROKEN */
  number(): number {
    if (!this.varints) return this.#byte();
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw BROKEN;
  }

  count(): number {
    if (this.varints) return this.number();
    return (this.#byte() << 8) | this.#byte();
  }

  /** Steps over bytes behind their length. @returns how many */
  bytes(): number {
    const length = this.count();
    this.at += length;
    if (this.at > this.end) throw BROKEN;
    return length;
  }

  #byte(): number {
    if (this.at >= this.end) throw BROKEN;
    return this.frame[this.at++]!;
  }
}

/** A header that breaks off. It never leaves this file. One value, so that hostile bytes cost no stack traces. */
const BROKEN: Error = Object.freeze(new Error('broken Thrift header'));
