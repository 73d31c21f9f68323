/**
 * A correlation id as it stands on the wire, up to 64 bits, as two 32-bit halves (signed or unsigned, taken modulo
 * 2^32): a JS number loses the ids that real clients send, and BigInts are dear on the call path. A Message
 * is its own WireId, so that passing on an id allocates nothing.
 */
export interface WireId {
  readonly idHigh: number;
  readonly idLow: number;
}

/** Are the two the same, to the last bit? */
export function sameWireId(a: WireId, b: WireId): boolean {
  return (a.idLow | 0) === (b.idLow | 0) && (a.idHigh | 0) === (b.idHigh | 0);
}

/** Decimal; `signed` where the protocol reads its ids so. */
export function formatWireId(id: WireId, signed = false): string {
  if (id.idHigh === 0) return String(id.idLow >>> 0);
  const value = (BigInt(id.idHigh >>> 0) << 32n) | BigInt(id.idLow >>> 0);
  return String(signed ? BigInt.asIntN(64, value) : value);
}
