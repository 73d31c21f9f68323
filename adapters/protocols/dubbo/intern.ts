/**
 * Strings by their bytes. Building a string costs more than reading the rest of a small frame, and the interfaces,
 * methods and keys of a service are few and come again and again: so a string met before is found by hash and compared,
 * not built. Every string here is plain ASCII, whose bytes are its characters.
 *
 * The table is of fixed size and direct-mapped: a string that hashes to a taken slot takes it over. Values that never
 * repeat (trace ids) so cost what they would without a table, and push out at most one other each.
 */
const SLOTS = 1024;
const SLOT_BYTES = 128;

const bytes = new Uint8Array(SLOTS * SLOT_BYTES);
const lengths = new Uint8Array(SLOTS);
const strings: string[] = new Array(SLOTS).fill('');

/** The string of `length` bytes at `at`, all inside `frame`; undefined if they are not plain ASCII. */
export function asciiAt(frame: Buffer, at: number, length: number): string | undefined {
  const end = at + length;
  let hash = length;
  let all = 0;
  for (let i = at; i < end; i++) {
    const byte = frame[i]!;
    all |= byte;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  if (all > 0x7f) return undefined;
  if (length > SLOT_BYTES) return frame.toString('latin1', at, end);
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
  const known = slot * SLOT_BYTES;
  if (lengths[slot] === length) {
    let i = 0;
    while (i < length && bytes[known + i] === frame[at + i]) i++;
    if (i === length) return strings[slot];
  }
  const string = frame.toString('latin1', at, end);
  for (let i = 0; i < length; i++) bytes[known + i] = frame[at + i]!;
  lengths[slot] = length;
  strings[slot] = string;
  return string;
}
