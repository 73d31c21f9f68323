/** Whole numbers of a header, in either byte order. 64 bits are read as two halves: a JS number would lose some of them. */
import type { Slot } from './layout.js';

/** Up to 32 bits, as the type says; of 64 bits the lower half, unsigned. */
export function readNumber(head: Buffer, { at, size, signed }: Slot, little: boolean): number {
  const width = Math.min(size, 4);
  const from = size === 8 && !little ? at + 4 : at;
  let value = 0;
  for (let i = 0; i < width; i++) {
    value = value * 256 + head[little ? from + width - 1 - i : from + i]!;
  }
  return signed && size < 8 && value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value;
}

/** The upper half of 64 bits, unsigned; 0 of anything smaller. */
export function readHigh(head: Buffer, slot: Slot, little: boolean): number {
  if (slot.size < 8) return 0;
  const { at } = slot;
  return readNumber(head, { ...UPPER, at: little ? at + 4 : at }, little);
}

const UPPER: Slot = { name: '', at: 0, size: 4, signed: false, isText: false, mutable: false };

/** Any whole number that the field can hold, modulo its size. */
export function writeNumber(head: Buffer, { at, size }: Slot, value: number, little: boolean): void {
  let rest = value;
  for (let i = 0; i < size; i++) {
    head[little ? at + i : at + size - 1 - i] = rest & 0xff;
    rest = Math.floor(rest / 256);
  }
}

export function writeHalves(head: Buffer, slot: Slot, high: number, low: number, little: boolean): void {
  if (slot.size < 8) {
    writeNumber(head, slot, low, little);
    return;
  }
  writeNumber(head, { ...UPPER, at: little ? slot.at : slot.at + 4 }, low >>> 0, little);
  writeNumber(head, { ...UPPER, at: little ? slot.at + 4 : slot.at }, high >>> 0, little);
}

/** As people and rules write it: decimal, or the text without its zeros. */
export function readText(head: Buffer, slot: Slot, little: boolean): string {
  if (slot.isText) {
    let end = slot.at;
    while (end < slot.at + slot.size && head[end] !== 0) end++;
    return head.toString('utf8', slot.at, end);
  }
  if (slot.size < 8) return String(readNumber(head, slot, little));
  const value = (BigInt(readHigh(head, slot, little)) << 32n) | BigInt(readNumber(head, slot, little));
  return String(slot.signed ? BigInt.asIntN(64, value) : value);
}

/** @throws RangeError - the field cannot hold it */
export function writeText(head: Buffer, slot: Slot, text: string, little: boolean): void {
  if (slot.isText) {
    const bytes = Buffer.from(text);
    if (bytes.length > slot.size) throw unfit(slot, text);
    head.fill(0, slot.at, slot.at + slot.size);
    bytes.copy(head, slot.at);
    return;
  }
  if (!/^-?\d+$/.test(text)) throw unfit(slot, text);
  const value = BigInt(text);
  const bits = BigInt(8 * slot.size);
  const least = slot.signed ? -(1n << (bits - 1n)) : 0n;
  if (value < least || value >= least + (1n << bits)) throw unfit(slot, text);
  const whole = BigInt.asUintN(64, value);
  writeHalves(
    head,
    slot,
    Number(whole >> 32n),
    Number(BigInt.asUintN(slot.size < 8 ? 8 * slot.size : 32, value)),
    little,
  );
}

function unfit({ name, size, signed, isText }: Slot, text: string): RangeError {
  const what = isText ? `${size} bytes of text` : `${signed ? 'a signed' : 'an unsigned'} number of ${8 * size} bits`;
  return new RangeError(`the field ${name} holds ${what}, not ${JSON.stringify(text)}`);
}
