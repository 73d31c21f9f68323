/** Names of Kitex's numbered keys, as its sources have them; the number is the place. Others are their decimal number. */
const NAMES = [
  'MeshVersion',
  'TransportType',
  'LogID',
  'FromService',
  'FromCluster',
  'FromIDC',
  'ToService',
  'ToCluster',
  'ToIDC',
  'ToMethod',
  'Env',
  'DestAddress',
  'RPCTimeout',
  'ReadTimeout',
  'RingHashKey',
  'DDPTag',
  'WithMeshHeader',
  'ConnectTimeout',
  'SpanContext',
  'ShortConnection',
  'FromMethod',
  'StressTag',
  'MsgType',
  'HTTPContentType',
  'RawRingHashKey',
  'LBType',
] as const;

const NUMBERS = new Map(NAMES.map((name, number) => [name.toLowerCase(), number]));

export const TO_SERVICE = 'toservice';
/** Milliseconds, as decimal. */
export const RPC_TIMEOUT = 'rpctimeout';

export function keyOf(number: number): string {
  return NAMES[number] ?? String(number);
}

/** @param lowerKey - as {@link keyOf} gives it, lower-cased; undefined: no numbered key is called so */
export function numberOf(lowerKey: string): number | undefined {
  return NUMBERS.get(lowerKey);
}
