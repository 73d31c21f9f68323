/**
 * A header under a mutation: pairs that are set or deleted, in any letter case, are taken out, what is set comes behind the
 * others, in the one block of pairs that the new header has. All other bytes stay as they are.
 */
import { type Message, type Mutation, varintLength, writeVarint } from '../../../../src/message/index.js';
import { ENTRY, type Pairs, type View } from '../view.js';
import { HEADER, TRANSPORT, transportOf, writeUint16 } from '../wire.js';
import { keyOf, numberOf } from './numbered.js';
import { BLOCK, pairsOf } from './pairs.js';

const MAX_HEADER_BYTES = 4 * 0xffff;
const MAX_SHORT = 0xffff;

/** What is not in the header, so that no pair of that name would be seen. */
const OWN = new Set(['method', 'service']);

/**
 * All that stands before the message, with the mutation made; undefined: it changes nothing.
 * @throws Error - it cannot be done, and why
 */
export function editedHeader(message: Message, mutation: Mutation): Buffer | undefined {
  const frame = message.bytes[0]!;
  const pairs = pairsOf(message);
  const kept: number[] = [];
  for (let i = 0; i < pairs.entries.length; i += ENTRY) {
    if (!isChanged(frame, pairs, i, mutation)) kept.push(i);
  }
  const set = settings(mutation);
  if (set.length === 0 && kept.length * ENTRY === pairs.entries.length) return undefined;
  if (!pairs.whole)
    throw new Error('no attribute can be set in this Thrift header: its pairs cannot be read to the end');
  const parts =
    transportOf(message.tag) === TRANSPORT.THEADER
      ? theaderBlocks(frame, pairs, kept, set)
      : ttheaderBlocks(frame, pairs, kept, set);
  return assembled(message, pairs.from, parts);
}

/** The key of the entry at `i`, as people write it. */
export function keyAt(frame: Buffer, { entries }: Pairs, i: number): string {
  const at = entries[i + 1]!;
  const length = entries[i + 2]!;
  return length < 0 ? keyOf(frame.readUint16BE(at)) : frame.toString('utf8', at, at + length);
}

function isChanged(frame: Buffer, pairs: Pairs, i: number, mutation: Mutation): boolean {
  const key = keyAt(frame, pairs, i);
  return mutation.lookup(key) !== undefined && !OWN.has(key.toLowerCase());
}

type Pair = readonly [key: string, value: string];

function settings(mutation: Mutation): readonly Pair[] {
  const set: Pair[] = [];
  for (let i = 0; i < mutation.size; i++) {
    const value = mutation.valueAt(i);
    if (value !== undefined && !OWN.has(mutation.keyAt(i).toLowerCase())) set.push([mutation.keyAt(i), value]);
  }
  return set;
}

function theaderBlocks(frame: Buffer, pairs: Pairs, kept: readonly number[], set: readonly Pair[]): Buffer[] {
  const count = kept.length + set.length;
  const parts: Buffer[] = [];
  if (count > 0) {
    parts.push(Buffer.of(BLOCK.PAIRS), varint(count));
    for (const i of kept) parts.push(entryBytes(frame, pairs, i));
    for (const [key, value] of set) {
      const [k, v] = [Buffer.from(key), Buffer.from(value)];
      parts.push(varint(k.length), k, varint(v.length), v);
    }
  }
  return [...parts, ...otherBytes(frame, pairs)];
}

function ttheaderBlocks(frame: Buffer, pairs: Pairs, kept: readonly number[], set: readonly Pair[]): Buffer[] {
  const named: Buffer[] = [];
  const numbered: Buffer[] = [];
  for (const i of kept) (pairs.entries[i + 2]! < 0 ? numbered : named).push(entryBytes(frame, pairs, i));
  for (const [key, value] of set) {
    const number = numberOf(key.toLowerCase());
    if (number === undefined) named.push(Buffer.concat([shortString(key), shortString(value)]));
    else numbered.push(Buffer.concat([short(number), shortString(value)]));
  }
  const parts: Buffer[] = [];
  if (named.length > 0) parts.push(Buffer.of(BLOCK.PAIRS), short(named.length), ...named);
  if (numbered.length > 0) parts.push(Buffer.of(BLOCK.NUMBERED), short(numbered.length), ...numbered);
  return [...parts, ...otherBytes(frame, pairs)];
}

function entryBytes(frame: Buffer, { entries }: Pairs, i: number): Buffer {
  return frame.subarray(entries[i]!, entries[i + 3]! + entries[i + 4]!);
}

function otherBytes(frame: Buffer, { others }: Pairs): Buffer[] {
  const parts: Buffer[] = [];
  for (let i = 0; i < others.length; i += 2) parts.push(frame.subarray(others[i], others[i + 1]));
  return parts;
}

function varint(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(varintLength(value));
  writeVarint(bytes, 0, value);
  return bytes;
}

function short(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  writeUint16(bytes, 0, value);
  return bytes;
}

function shortString(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > MAX_SHORT) throw new Error(`a pair of ${bytes.length} bytes: TTHeader has room for ${MAX_SHORT}`);
  return Buffer.concat([short(bytes.length), bytes]);
}

/** The frame's first bytes, protocol and transforms as they were, these blocks, padding, and a length inside if it has one. */
function assembled(message: Message, from: number, blocks: readonly Buffer[]): Buffer {
  const frame = message.bytes[0]!;
  const header = [frame.subarray(HEADER.START, from), ...blocks];
  const length = header.reduce((sum, part) => sum + part.length, 0);
  const words = Math.ceil(length / 4);
  if (4 * words > MAX_HEADER_BYTES)
    throw new Error(`a Thrift header of ${length} bytes: the most is ${MAX_HEADER_BYTES}`);
  const inner = (message.view as View).messageAt - HEADER.START - 4 * frame.readUint16BE(HEADER.WORDS);
  const whole = Buffer.alloc(HEADER.START + 4 * words + inner);
  frame.copy(whole, 0, 0, HEADER.START);
  writeUint16(whole, HEADER.WORDS, words);
  let at: number = HEADER.START;
  for (const part of header) at += part.copy(whole, at);
  return whole;
}
