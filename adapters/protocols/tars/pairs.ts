/** Maps of text, as TARS writes context and status. A pair of anything else is passed over. */
import { asciiAt } from '../../../src/message/index.js';
import { FieldWalker, TYPE } from './fields.js';

const walker = new FieldWalker();

/** @param key - lower-cased, compared with keys in any case; the first counts */
export function findPair(frame: Buffer, at: number, end: number, key: string): string | undefined {
  let found: string | undefined;
  eachPair(frame, at, end, (name, value) => {
    if (found === undefined && name.toLowerCase() === key) found = value;
  });
  return found;
}

/** @param see - told of each pair of text; `from` and `to` are where it stands */
export function eachPair(
  frame: Buffer,
  at: number,
  end: number,
  see: (key: string, value: string | undefined, from: number, to: number) => void,
): void {
  if (at === end) return;
  walker.open(frame, at, end);
  if (!walker.next() || walker.type !== TYPE.MAP) return;
  for (let left = walker.enterMap(); left > 0; left--) {
    if (!walker.next()) return;
    const from = walker.start;
    const key = walker.isText ? textAt(frame, walker.valueAt, walker.valueLength) : undefined;
    if (!walker.next()) return;
    const value = walker.isText ? textAt(frame, walker.valueAt, walker.valueLength) : undefined;
    see(key ?? '', value, from, walker.at);
  }
}

export function textAt(frame: Buffer, at: number, length: number): string {
  return asciiAt(frame, at, length) ?? frame.toString('utf8', at, at + length);
}
