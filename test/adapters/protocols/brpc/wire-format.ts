/** bRPC's frames as a test writes them: nothing here is shared with the codec. */

const NOTHING = Buffer.alloc(0);

export function varint(value: bigint | number): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(left)]);
}

export function number(field: number, value: bigint | number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

export function bytes(field: number, value: Buffer | string): Buffer {
  const data = Buffer.from(value as string);
  return Buffer.concat([varint((field << 3) | 2), varint(data.length), data]);
}

function frame(magic: string, meta: Buffer, body: Buffer): Buffer {
  const fixed = Buffer.alloc(12);
  fixed.write(magic);
  fixed.writeUInt32BE(meta.length + body.length, 4);
  fixed.writeUInt32BE(meta.length, 8);
  return Buffer.concat([fixed, meta, body]);
}

export const RESET = 1;
export const CLOSE = 2;
export const DATA = 3;
export const FEEDBACK = 4;

export interface StreamFrameOf {
  readonly to: bigint | number;
  readonly from?: bigint | number;
  readonly type?: number;
}

export function streamFrame({ to, from, type = DATA }: StreamFrameOf, data: Buffer | string = NOTHING): Buffer {
  const source = from === undefined ? NOTHING : number(2, from);
  const rest = type === DATA ? number(4, 0) : type === FEEDBACK ? bytes(5, number(1, 7)) : NOTHING;
  return frame('STRM', Buffer.concat([number(1, to), source, number(3, type), rest]), Buffer.from(data as string));
}

export interface RequestOf {
  readonly id: bigint | number;
  /** Of the stream that it opens; of several, more than one. */
  readonly streams?: readonly (bigint | number)[];
  readonly method?: string;
}

export function request({ id, streams = [], method = 'Stream' }: RequestOf): Buffer {
  const call = bytes(1, Buffer.concat([bytes(1, 'example.EchoService'), bytes(2, method)]));
  return frame('PRPC', Buffer.concat([call, number(4, id), settings(streams)]), Buffer.from('open'));
}

export interface ReplyOf {
  readonly id: bigint | number;
  readonly code?: number;
  readonly streams?: readonly (bigint | number)[];
}

export function reply({ id, code = 0, streams = [] }: ReplyOf): Buffer {
  const text = code === 0 ? NOTHING : bytes(2, 'no');
  const response = bytes(2, Buffer.concat([number(1, code), text]));
  return frame('PRPC', Buffer.concat([response, number(4, id), settings(streams)]), Buffer.from('yes'));
}

function settings([id, ...more]: readonly (bigint | number)[]): Buffer {
  if (id === undefined) return NOTHING;
  const others = more.map((it) => number(4, it));
  return bytes(8, Buffer.concat([number(1, id), number(2, 1), number(3, 1), ...others]));
}

/** A server's answer to an opening: its reply, wrapped into a frame from its stream, or from none. */
export function answer(to: bigint | number, it: ReplyOf): Buffer {
  return streamFrame({ to, from: it.streams?.[0] ?? -1 }, reply(it));
}
