/**
 * What rules say, apart from where they were written: a push of equal content must change nothing, whoever pushes it and
 * in whatever order it lists keys. Equality decides; the hash only names a version for people, logs and files.
 *
 * Provenance is left out: it is the only thing called `from` that is an object (a label of that name is a string).
 */
export function sameContent(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b)) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!sameContent(a[i], b[i])) return false;
    return true;
  }
  let said = 0;
  for (const key in a) {
    if (!isContent(key, a[key])) continue;
    if (!Object.hasOwn(b, key) || !sameContent(a[key], b[key])) return false;
    said++;
  }
  for (const key in b) if (isContent(key, b[key])) said--;
  return said === 0;
}

/**
 * 64 bits in two words, equal for equal content: of an object the sum over its keys, whatever their order. Enough to tell
 * versions apart, no proof against forgery.
 */
export class ContentHash {
  high = 0;
  low = 0;

  of(value: unknown): this {
    this.high = 0x2545f491;
    this.low = 0x61c88647;
    this.#value(value);
    return this;
  }

  #value(value: unknown): void {
    if (typeof value === 'string') {
      this.#text(value);
    } else if (typeof value === 'number') {
      FLOAT[0] = value + 0;
      this.#word(WORDS[0]!);
      this.#word(WORDS[1]!);
    } else if (Array.isArray(value)) {
      this.#word(value.length);
      for (let i = 0; i < value.length; i++) this.#value(value[i]);
    } else if (isObject(value)) {
      this.#object(value);
    } else {
      this.#text(String(value));
      this.#word(typeof value === 'bigint' ? 1 : 2);
    }
  }

  #object(value: Plain): void {
    const { high, low } = this;
    let highs = 1;
    let lows = 1;
    for (const key in value) {
      const inner = value[key];
      if (!isContent(key, inner)) continue;
      this.high = high;
      this.low = low;
      this.#text(key);
      this.#value(inner);
      highs = (highs + this.high) | 0;
      lows = (lows + this.low) | 0;
    }
    this.high = high;
    this.low = low;
    this.#word(highs);
    this.#word(lows);
  }

  #text(text: string): void {
    let { high, low } = this;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      high = imul(high ^ unit, 0x01000193);
      low = imul(low ^ unit, 0x5bd1e995);
    }
    this.high = high;
    this.low = low;
    this.#word(~text.length);
  }

  #word(word: number): void {
    this.high = mix(this.high, word);
    this.low = mix(this.low, ~word);
  }
}

/** A constant: in the contexts that test runners make, each look-up of a global is slow. */
const { imul } = Math;

type Plain = Record<string, unknown>;

const FLOAT = new Float64Array(1);
const WORDS = new Int32Array(FLOAT.buffer);

function isObject(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null;
}

function isContent(key: string, value: unknown): boolean {
  return value !== undefined && !(key === 'from' && typeof value === 'object');
}

/** The finalizer of MurmurHash3: each bit of the input moves about half of the output's. */
function mix(a: number, b: number): number {
  let hash = imul(a, 31) + b;
  hash = imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
