/**
 * Strings by their bytes, for codecs. Building a string costs more than reading the rest of a small frame, and the interfaces,
 * methods and keys of a service are few and come again and again: so a string met before is found by a hash of some of its
 * bytes and compared, not built. Every string here is plain ASCII, whose bytes are its characters.
 *
 * The table is of fixed size, two places for each hash: a newcomer takes the place that was not taken last. Values that
 * never repeat (trace ids) so cost little more than without a table, and push out one other string each. What is met
 * again is {@link internalized}, as what rules want is: a comparison of the two looks at no character.
 */
const SETS = 512;
const SLOT_BYTES = 128;

const bytes = new Uint8Array(2 * SETS * SLOT_BYTES);
/** Of the strings; with {@link MET_ONCE} on top as long as they were not met again. */
const lengths = new Uint16Array(2 * SETS);
const MET_ONCE = 0x100;
const strings: string[] = new Array(2 * SETS).fill('');
/** Which of a set's two places a newcomer takes. */
const next = new Uint8Array(SETS);

/** The string of `length` bytes at `at`, all inside `frame`; undefined if they are not plain ASCII. */
export function asciiAt(frame: Buffer, at: number, length: number): string | undefined {
  if (length === 0) return '';
  const end = at + length;
  if (length > SLOT_BYTES) return isAscii(frame, at, end) ? frame.toString('latin1', at, end) : undefined;
  // At most 16 bytes, spread evenly, and the last one: names differ anywhere.
  let hash = Math.imul(length ^ frame[end - 1]!, 0x01000193);
  const step = 1 + (length >> 4);
  for (let i = at; i < end; i += step) hash = Math.imul(hash ^ frame[i]!, 0x01000193);
  const set = (hash ^ (hash >>> 15)) & (SETS - 1);
  const slot = 2 * set;
  if (isKnown(slot, length, frame, at, length)) return strings[slot];
  if (isKnown(slot + 1, length, frame, at, length)) return strings[slot + 1];
  if (isKnown(slot, length | MET_ONCE, frame, at, length)) return keep(slot);
  if (isKnown(slot + 1, length | MET_ONCE, frame, at, length)) return keep(slot + 1);
  if (!isAscii(frame, at, end)) return undefined;
  return learn(slot + (next[set]! & 1), set, frame, at, length);
}

/** V8 copies what is shorter, and so compares it at once. */
const SHORTEST_SLICE = 13;
const names: Record<string, true> = Object.create(null);

/**
 * The same text, as the engine's one copy of it: names of properties are kept once each. Two such strings are equal if they
 * are one. A slice of a file, as parsers return them, is compared by a call into the engine, which costs 0.1 µs, and ten
 * times that where a call that comes alone finds the caches cold. Costs 1 µs; texts too short for a slice are left alone.
 */
export function internalized(text: string): string {
  if (text.length < SHORTEST_SLICE) return text;
  names[text] = true;
  for (const name in names) {
    delete names[name];
    return name;
  }
  return text;
}

function isKnown(slot: number, mark: number, frame: Buffer, at: number, length: number): boolean {
  if (lengths[slot] !== mark) return false;
  const known = slot * SLOT_BYTES;
  for (let i = 0; i < length; i++) if (bytes[known + i] !== frame[at + i]) return false;
  return true;
}

function keep(slot: number): string {
  const string = internalized(strings[slot]!);
  lengths[slot]! &= ~MET_ONCE;
  strings[slot] = string;
  return string;
}

function learn(slot: number, set: number, frame: Buffer, at: number, length: number): string {
  const string = frame.toString('latin1', at, at + length);
  const known = slot * SLOT_BYTES;
  for (let i = 0; i < length; i++) bytes[known + i] = frame[at + i]!;
  lengths[slot] = length | MET_ONCE;
  strings[slot] = string;
  next[set]!++;
  return string;
}

function isAscii(frame: Buffer, from: number, to: number): boolean {
  let all = 0;
  for (let i = from; i < to; i++) all |= frame[i]!;
  return all <= 0x7f;
}
