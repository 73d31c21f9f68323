import { dubbo } from '../../adapters/protocols/dubbo/index.js';
import { thrift } from '../../adapters/protocols/thrift/index.js';
import type { Protocol } from '../../src/message/index.js';
import { requestFrame } from './frames.js';

/** A protocol as the codec suites measure it. A protocol with several transports has one for each that matters. */
export interface CodecSubject {
  /** Of its suite: `npm run bench codec-<name>`. */
  readonly name: string;
  readonly about: string;
  readonly protocol: Protocol;
  /** What routes match by, and this request's value. */
  readonly key: string;
  readonly value: string;
  /** A request as a real client writes it. @param bytes - length of its argument */
  request(bytes: number): Buffer;
  /** It has room for attributes. */
  readonly mutable: boolean;
}

export const CODEC_SUBJECTS: readonly CodecSubject[] = [
  {
    name: 'dubbo',
    about: 'Dubbo, Hessian 2',
    protocol: dubbo,
    key: 'method',
    value: 'sayHello',
    request: requestFrame,
    mutable: true,
  },
  { name: 'thrift', about: 'Thrift, framed binary', ...thriftWith(framed), mutable: false },
  { name: 'thrift-unframed', about: 'Thrift, unframed binary', ...thriftWith((it) => it), mutable: false },
  { name: 'thrift-theader', about: 'Thrift, THeader with two pairs', ...thriftWith(withHeader), mutable: true },
];

function thriftWith(transport: (message: Buffer) => Buffer) {
  const request = (bytes: number) => transport(thriftCall(bytes));
  return { protocol: thrift, key: 'method', value: 'sayHello', request } as const;
}

/** `sayHello(1: string)` in strict binary. */
function thriftCall(bytes: number): Buffer {
  const head = Buffer.from('800100010000000873617948656c6c6f000000070b000100000000', 'hex');
  head.writeInt32BE(bytes, head.length - 4);
  return Buffer.concat([head, Buffer.alloc(bytes, 0x78), Buffer.of(0)]);
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(message.length);
  return Buffer.concat([length, message]);
}

function withHeader(message: Buffer): Buffer {
  const pairs = Buffer.from('\x00\x00\x01\x02\x06x-user\x05alice\x06tenant\x04blue\x00\x00\x00', 'latin1');
  const head = Buffer.from('0fff0000000000070000', 'hex');
  head.writeUint16BE(pairs.length / 4, 8);
  return framed(Buffer.concat([head, pairs, message]));
}
