/** Comparisons as Envoy makes them, where JavaScript's own differ. */

/** Does `wanted` stand in `value` at `at`, where only the letters A to Z have a case? */
export function equalsAt(value: string, at: number, wanted: string): boolean {
  if (at < 0 || at + wanted.length > value.length) return false;
  for (let i = 0; i < wanted.length; i++) {
    const a = value.charCodeAt(at + i);
    const b = wanted.charCodeAt(i);
    if (a !== b && asciiLower(a) !== asciiLower(b)) return false;
  }
  return true;
}

/** Is `wanted` somewhere in `value`, where only the letters A to Z have a case? */
export function includesIgnoringCase(value: string, wanted: string): boolean {
  for (let at = 0; at + wanted.length <= value.length; at++) {
    if (equalsAt(value, at, wanted)) return true;
  }
  return false;
}

function asciiLower(code: number): number {
  return code >= 65 && code <= 90 ? code + 32 : code;
}

/**
 * The order of two strings' UTF-8 bytes, which is that of their code points. JavaScript's `<` goes by UTF-16 units and
 * puts U+E000 to U+FFFF after the characters that take two of them.
 */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return aboveSurrogates(x) - aboveSurrogates(y);
  }
  return a.length - b.length;
}

/** Moves surrogates behind all other units. */
function aboveSurrogates(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** So many digits are exact as a number. */
const EXACT_DIGITS = 15;

/**
 * A signed 64-bit decimal, with white space around and a sign allowed; undefined if the text is anything else. A number
 * where that is exact, so that the usual case allocates nothing.
 */
export function parseInt64(text: string): number | bigint | undefined {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  const sign = text.charCodeAt(from);
  if (sign === 43 || sign === 45) from++;
  if (from >= to) return undefined;
  while (from < to - 1 && text.charCodeAt(from) === 48) from++;
  if (to - from > 19) return undefined;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  if (to - from <= EXACT_DIGITS) return sign === 45 ? -value : value;
  const exact = sign === 45 ? -BigInt(text.slice(from, to)) : BigInt(text.slice(from, to));
  return exact >= INT64_MIN && exact <= INT64_MAX ? exact : undefined;
}

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}
