/**
 * Bytes of one message, in order, never modified after. Usually one segment; a large message keeps the read chunks it
 * came in, so that nobody copies a body to have it in one piece.
 */
export type Bytes = readonly Buffer[];

/** Bytes in all segments. */
export function byteLength(bytes: Bytes): number {
  let length = 0;
  for (let i = 0; i < bytes.length; i++) length += bytes[i]!.length;
  return length;
}

/** The same bytes in one piece: no copy if they are already. */
export function contiguous(bytes: Bytes): Buffer {
  return bytes.length === 1 ? bytes[0]! : Buffer.concat(bytes);
}
