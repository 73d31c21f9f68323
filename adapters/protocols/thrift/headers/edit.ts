/**
 * A header under a mutation: pairs that are set or deleted, in any letter case, are taken out, what is set comes behind the
 * others, in the one block of its kind that the new header has. All other bytes stay as they are. `method` and `service`
 * are in the message and not in its header; nothing changes them.
 */
import { type Message, type Mutation, writeVarint } from '../../../../src/message/index.js';
import { ENTRY, type Pairs, type View } from '../view.js';
import { HEADER, TRANSPORT, transportOf, writeUint16 } from '../wire.js';
import { numberOf } from './numbered.js';
import { BLOCK, headerEnd, keyIs, pairsOf } from './pairs.js';

const MAX_HEADER_BYTES = 4 * 0xffff;
const MAX_SHORT = 0xffff;
/** Of two new blocks: kind and count; and padding. */
const BLOCK_BYTES = 16;
/** Of a pair: its lengths. */
const PAIR_BYTES = 10;

/**
 * All that stands before the message, with the mutation made; undefined: it changes nothing.
 * @throws Error - it cannot be done, and why
 */
export function editedHeader(message: Message, mutation: Mutation): Buffer | undefined {
  const frame = message.bytes[0]!;
  const pairs = pairsOf(message);
  const kept = keptEntries(frame, pairs.entries, mutation);
  const added = addedBytes(mutation);
  if (added === 0 && kept.length * ENTRY === pairs.entries.length) return undefined;
  if (!pairs.whole) throw new Error('no attribute can be set in this Thrift header: it cannot be read to its end');
  const end = headerEnd(frame);
  const writing = new Writing(frame, pairs, Buffer.allocUnsafe(end + added + BLOCK_BYTES));
  writing.copy(0, pairs.from);
  if (transportOf(message.tag) === TRANSPORT.THEADER) writing.theader(kept, mutation);
  else writing.ttheader(kept, mutation);
  return writing.end((message.view as View).messageAt - end);
}

/** Where the entries begin, in {@link Pairs.entries}, that stay. */
function keptEntries(frame: Buffer, entries: readonly number[], mutation: Mutation): number[] {
  const kept: number[] = [];
  for (let i = 0; i < entries.length; i += ENTRY) if (!isChanged(frame, entries, i, mutation)) kept.push(i);
  return kept;
}

function isChanged(frame: Buffer, entries: readonly number[], i: number, mutation: Mutation): boolean {
  for (let m = 0; m < mutation.size; m++) {
    const key = mutation.keyAt(m).toLowerCase();
    if (!isOwn(key) && keyIs(frame, entries, i, key)) return true;
  }
  return false;
}

function isOwn(lowerKey: string): boolean {
  return lowerKey === 'method' || lowerKey === 'service';
}

/** The most that is added; 0: nothing is set. */
function addedBytes(mutation: Mutation): number {
  let bytes = 0;
  for (let m = 0; m < mutation.size; m++) {
    if (isSet(mutation, m)) bytes += PAIR_BYTES + 3 * (mutation.keyAt(m).length + mutation.valueAt(m)!.length);
  }
  return bytes;
}

function isSet(mutation: Mutation, m: number): boolean {
  return mutation.valueAt(m) !== undefined && !isOwn(mutation.keyAt(m).toLowerCase());
}

/** The new header, while it is written. */
class Writing {
  #at = 0;

  constructor(
    private readonly frame: Buffer,
    private readonly pairs: Pairs,
    private readonly to: Buffer,
  ) {}

  copy(from: number, end: number): void {
    this.#at += this.frame.copy(this.to, this.#at, from, end);
  }

  theader(kept: readonly number[], mutation: Mutation): void {
    let count = kept.length;
    for (let m = 0; m < mutation.size; m++) if (isSet(mutation, m)) count++;
    if (count > 0) {
      this.to[this.#at++] = BLOCK.PAIRS;
      this.#varint(count);
      for (let i = 0; i < kept.length; i++) this.#entry(kept[i]!);
      for (let m = 0; m < mutation.size; m++) {
        if (!isSet(mutation, m)) continue;
        this.#varintText(mutation.keyAt(m));
        this.#varintText(mutation.valueAt(m)!);
      }
    }
    this.#others();
  }

  ttheader(kept: readonly number[], mutation: Mutation): void {
    this.#shortBlock(kept, mutation, false);
    this.#shortBlock(kept, mutation, true);
    this.#others();
  }

  /** Pads, and writes how long it is. @param inner - bytes of the length that follows a header */
  end(inner: number): Buffer {
    const { to } = this;
    const words = Math.ceil((this.#at - HEADER.START) / 4);
    if (4 * words > MAX_HEADER_BYTES) {
      throw new Error(`a Thrift header of ${4 * words} bytes: the most is ${MAX_HEADER_BYTES}`);
    }
    const end = HEADER.START + 4 * words;
    to.fill(0, this.#at, end + inner);
    writeUint16(to, HEADER.WORDS, words);
    return to.subarray(0, end + inner);
  }

  #shortBlock(kept: readonly number[], mutation: Mutation, numbered: boolean): void {
    const start = this.#at;
    this.#at += 3;
    let count = 0;
    for (let i = 0; i < kept.length; i++) {
      if (this.pairs.entries[kept[i]! + 2]! < 0 !== numbered) continue;
      this.#entry(kept[i]!);
      count++;
    }
    for (let m = 0; m < mutation.size; m++) {
      if (!isSet(mutation, m)) continue;
      const number = numberOf(mutation.keyAt(m).toLowerCase());
      if ((number !== undefined) !== numbered) continue;
      if (number === undefined) this.#shortText(mutation.keyAt(m));
      else this.#short(number);
      this.#shortText(mutation.valueAt(m)!);
      count++;
    }
    if (count > MAX_SHORT) throw new Error(`${count} pairs: TTHeader has room for ${MAX_SHORT}`);
    this.to[start] = numbered ? BLOCK.NUMBERED : BLOCK.PAIRS;
    writeUint16(this.to, start + 1, count);
    if (count === 0) this.#at = start;
  }

  #entry(i: number): void {
    const { entries } = this.pairs;
    this.copy(entries[i]!, entries[i + 3]! + entries[i + 4]!);
  }

  #others(): void {
    const { others } = this.pairs;
    for (let i = 0; i < others.length; i += 2) this.copy(others[i]!, others[i + 1]!);
  }

  #varint(value: number): void {
    this.#at = writeVarint(this.to, this.#at, value);
  }

  #varintText(text: string): void {
    const length = Buffer.byteLength(text);
    this.#varint(length);
    this.#at += this.to.write(text, this.#at);
  }

  #short(value: number): void {
    writeUint16(this.to, this.#at, value);
    this.#at += 2;
  }

  #shortText(text: string): void {
    const length = this.to.write(text, this.#at + 2);
    if (length > MAX_SHORT) throw new Error(`a pair of ${length} bytes: TTHeader has room for ${MAX_SHORT}`);
    this.#short(length);
    this.#at += length;
  }
}
