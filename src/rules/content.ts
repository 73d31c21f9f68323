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
  for (const key in a) {
    if (isContent(key, a[key]) && !(Object.hasOwn(b, key) && sameContent(a[key], b[key]))) return false;
  }
  for (const key in b) {
    if (isContent(key, b[key]) && (!Object.hasOwn(a, key) || a[key] === undefined)) return false;
  }
  return true;
}

/** 32 bits, equal for equal content. Two seeds make 64. */
export function contentHash(value: unknown, seed: number): number {
  if (typeof value === 'string') return hashText(value, seed);
  if (!isObject(value)) return hashText(`${typeof value} ${String(value)}`, seed);
  if (Array.isArray(value)) {
    let hash = seed ^ 0x5bd1e995;
    for (let i = 0; i < value.length; i++) hash = mix(hash, contentHash(value[i], seed));
    return hash;
  }
  let sum = 1;
  for (const key in value) {
    if (isContent(key, value[key])) sum = (sum + mix(hashText(key, seed), contentHash(value[key], seed))) | 0;
  }
  return sum;
}

type Plain = Record<string, unknown>;

function isObject(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null;
}

function isContent(key: string, value: unknown): boolean {
  return value !== undefined && !(key === 'from' && typeof value === 'object');
}

function hashText(text: string, seed: number): number {
  let hash = seed ^ text.length;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash, seed);
}

/** The finalizer of MurmurHash3: each bit of the input moves about half of the output's. */
function mix(a: number, b: number): number {
  let hash = Math.imul(a, 31) + b;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
