import { deflateSync } from 'node:zlib';

/**
 * Messages that nobody has recorded, made by hand from the layouts: old binary, JSON and compact in other transports than
 * their recordings, zlib'd replies, and all of Kitex's TTHeader.
 */
export interface MessageParts {
  readonly type?: number;
  readonly name?: string;
  readonly seq?: number;
  /** The struct, in the message's encoding. @defaultValue one without fields */
  readonly body?: Buffer;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUint16BE(value);
  return bytes;
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value >>> 0;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const STOP = Buffer.of(0);

export function strict({ type = 1, name = 'ping', seq = 1, body = STOP }: MessageParts = {}): Buffer {
  return Buffer.concat([Buffer.of(0x80, 1, 0, type), int32(name.length), Buffer.from(name), int32(seq), body]);
}

export function old({ type = 1, name = 'ping', seq = 1, body = STOP }: MessageParts = {}): Buffer {
  return Buffer.concat([int32(name.length), Buffer.from(name), Buffer.of(type), int32(seq), body]);
}

export function compact({ type = 1, name = 'ping', seq = 1, body = STOP }: MessageParts = {}): Buffer {
  return Buffer.concat([Buffer.of(0x82, (type << 5) | 1), varint(seq), varint(name.length), Buffer.from(name), body]);
}

export function json({ type = 1, name = 'ping', seq = 1, body = Buffer.from('{}') }: MessageParts = {}): Buffer {
  return Buffer.concat([Buffer.from(`[1,"${name}",${type},${seq},`), body, Buffer.from(']')]);
}

export function framed(message: Buffer): Buffer {
  return Buffer.concat([int32(message.length), message]);
}

function padded(header: Buffer): Buffer {
  return Buffer.concat([header, Buffer.alloc((4 - (header.length % 4)) % 4)]);
}

function withHeader(magic: number, flags: number, seq: number, header: Buffer, message: Buffer): Buffer {
  const whole = padded(header);
  return framed(Buffer.concat([int16(magic), int16(flags), int32(seq), int16(whole.length / 4), whole, message]));
}

export interface HeaderParts {
  readonly seq?: number;
  readonly protocol?: number;
  readonly pairs?: readonly (readonly [string, string])[];
  readonly zlib?: boolean;
  /** Bytes behind the pairs. */
  readonly more?: Buffer;
}

export function theader(message: Buffer, { seq = 1, protocol = 0, pairs = [], zlib, more }: HeaderParts = {}): Buffer {
  const texts = pairs.flat().flatMap((text) => [varint(Buffer.byteLength(text)), Buffer.from(text)]);
  const header = Buffer.concat([
    Buffer.of(protocol, ...(zlib ? [1, 1] : [0])),
    ...(pairs.length > 0 ? [Buffer.of(1), varint(pairs.length), ...texts] : []),
    more ?? Buffer.alloc(0),
  ]);
  return withHeader(0x0fff, 0, seq, header, zlib ? deflateSync(message) : message);
}

export interface KitexParts {
  readonly seq?: number;
  readonly flags?: number;
  readonly pairs?: readonly (readonly [string, string])[];
  readonly numbered?: readonly (readonly [number, string])[];
  readonly token?: string;
}

export function ttheader(message: Buffer, parts: KitexParts = {}): Buffer {
  const { seq = 1, flags = 0, pairs = [], numbered = [], token } = parts;
  const text = (it: string) => Buffer.concat([int16(Buffer.byteLength(it)), Buffer.from(it)]);
  const header = Buffer.concat([
    Buffer.of(0, 0),
    ...(token === undefined ? [] : [Buffer.of(0x11), text(token)]),
    ...(pairs.length > 0 ? [Buffer.of(1), int16(pairs.length), ...pairs.flat().map(text)] : []),
    ...(numbered.length > 0 ? [Buffer.of(0x10), int16(numbered.length)] : []),
    ...numbered.flatMap(([key, value]) => [int16(key), text(value)]),
  ]);
  return withHeader(0x1000, flags, seq, header, message);
}

/** `{1: string text}`, as an argument or an exception; as field 0 it is a result. */
export function textField(encoding: 'binary' | 'compact' | 'json', id: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  if (encoding === 'json') return Buffer.from(`{"${id}":{"str":${JSON.stringify(text)}}}`);
  if (encoding === 'binary') return Buffer.concat([Buffer.of(11), int16(id), int32(bytes.length), bytes, STOP]);
  const head = id === 0 ? Buffer.of(0x08, 0x00) : Buffer.of((id << 4) | 8);
  return Buffer.concat([head, varint(bytes.length), bytes, STOP]);
}

const encodings = [
  { name: 'strict', make: strict, encoding: 'binary' },
  { name: 'old', make: old, encoding: 'binary' },
  { name: 'compact', make: compact, encoding: 'compact' },
  { name: 'json', make: json, encoding: 'json' },
] as const;

const transports = [
  { name: 'framed', make: (message: Buffer) => framed(message) },
  { name: 'unframed', make: (message: Buffer) => message },
  {
    name: 'header',
    make: (message: Buffer, seq: number) =>
      theader(message, {
        seq,
        pairs: [
          ['x-user', 'rené'],
          ['empty', ''],
          ['X-Tenant', 'red'],
        ],
      }),
  },
  { name: 'header zlib', make: (message: Buffer, seq: number) => theader(message, { seq, zlib: true }) },
  {
    name: 'ttheader',
    make: (message: Buffer, seq: number) =>
      ttheader(message, {
        seq,
        token: 'secret',
        pairs: [
          ['isn', 'Echo'],
          ['x-user', 'rené'],
        ],
        numbered: [
          [6, 'shop.echo'],
          [12, '250'],
        ],
      }),
  },
  { name: 'ttheader framed', make: (message: Buffer, seq: number) => ttheader(framed(message), { seq }) },
] as const;

export interface Vector {
  readonly name: string;
  readonly transport: (typeof transports)[number]['name'];
  readonly encoding: (typeof encodings)[number]['name'];
  readonly seq: number;
  readonly request: Buffer;
  readonly oneway: Buffer;
  readonly reply: Buffer;
  readonly declared: Buffer;
}

/** Each transport with each encoding that it can carry: TTHeader inside a frame knows no old binary. */
export const vectors: readonly Vector[] = transports.flatMap((transport, t) =>
  encodings
    .filter(({ name }) => name !== 'old' || !transport.name.startsWith('ttheader'))
    .map((encoding, e) => {
      const seq = [1, 300, 0x7fffffff, -2][(t + e) % 4]!;
      const message = (type: number, field: number, name = 'ping') =>
        transport.make(
          encoding.make({ type, seq, name, body: textField(encoding.encoding, field, 'some text, мимо') }),
          seq,
        );
      return {
        name: `${transport.name} ${encoding.name}`,
        transport: transport.name,
        encoding: encoding.name,
        seq,
        request: message(1, 1, 'Echo:ping'),
        oneway: message(4, 1),
        reply: message(2, 0),
        declared: message(2, 1),
      };
    }),
);
