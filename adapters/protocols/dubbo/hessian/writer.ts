/** Writes strings, the only Hessian values that mutations and rejections need. */

/** Java writes longer strings in chunks of this many UTF-16 units. */
const CHUNK = 0x8000;

export function hessianString(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(hessianStringBytes(text));
  writeHessianString(bytes, 0, text);
  return bytes;
}

/** Bytes of `text` as a Hessian string, tags included. */
export function hessianStringBytes(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
  }
  let left = text.length;
  let from = 0;
  while (left > CHUNK) {
    const size = chunkAt(text, from);
    bytes += 3;
    from += size;
    left -= size;
  }
  return bytes + (left < 32 ? 1 : left < 1024 ? 2 : 3);
}

/** @returns the offset after it */
export function writeHessianString(to: Buffer, at: number, text: string): number {
  let from = 0;
  while (text.length - from > CHUNK) {
    const size = chunkAt(text, from);
    to[at++] = 0x52;
    to[at++] = size >> 8;
    to[at++] = size;
    at = writeUnits(to, at, text, from, from + size);
    from += size;
  }
  const left = text.length - from;
  if (left < 32) to[at++] = left;
  else {
    if (left < 1024) to[at++] = 0x30 + (left >> 8);
    else {
      to[at++] = 0x53;
      to[at++] = left >> 8;
    }
    to[at++] = left;
  }
  return writeUnits(to, at, text, from, text.length);
}

/** A surrogate pair is not cut: readers may decode each chunk alone. */
function chunkAt(text: string, from: number): number {
  const last = text.charCodeAt(from + CHUNK - 1);
  return last >= 0xd800 && last <= 0xdbff ? CHUNK - 1 : CHUNK;
}

/** One to three bytes a UTF-16 unit. */
function writeUnits(to: Buffer, at: number, text: string, from: number, end: number): number {
  for (let i = from; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x80) to[at++] = c;
    else if (c < 0x800) {
      to[at++] = 0xc0 | (c >> 6);
      to[at++] = 0x80 | (c & 0x3f);
    } else {
      to[at++] = 0xe0 | (c >> 12);
      to[at++] = 0x80 | ((c >> 6) & 0x3f);
      to[at++] = 0x80 | (c & 0x3f);
    }
  }
  return at;
}
