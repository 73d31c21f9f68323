import { awesomerpc } from '../../adapters/protocols/awesomerpc/index.js';
import { brpc } from '../../adapters/protocols/brpc/index.js';
import { dubbo } from '../../adapters/protocols/dubbo/index.js';
import { qza } from '../../adapters/protocols/qza/index.js';
import { tars } from '../../adapters/protocols/tars/index.js';
import { thrift } from '../../adapters/protocols/thrift/index.js';
import { trpc } from '../../adapters/protocols/trpc/index.js';
import { videopacket } from '../../adapters/protocols/videopacket/index.js';
import { contiguous, type Protocol } from '../../src/message/index.js';
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
  {
    name: 'tars',
    about: 'TARS, version 1',
    protocol: tars,
    key: 'func',
    value: 'sayHello',
    request: tarsCall,
    mutable: true,
  },
  { name: 'brpc', about: 'bRPC', protocol: brpc, key: 'method', value: 'Echo', request: brpcCall, mutable: true },
  {
    name: 'trpc',
    about: 'tRPC, unary',
    protocol: trpc,
    key: 'func',
    value: '/trpc.helloworld.Greeter/Hello',
    request: trpcCall,
    mutable: true,
  },
  {
    name: 'videopacket',
    about: 'a protocol from a table: videopacket',
    protocol: videopacket,
    key: 'command',
    value: '153',
    request: (bytes) =>
      contiguous(videopacket.message('request', { request_id: 7, command: 153 }, Buffer.alloc(bytes, 0x78)).bytes),
    mutable: false,
  },
  {
    name: 'qza',
    about: 'a protocol from a table: qza',
    protocol: qza,
    key: 'cmd',
    value: '153',
    request: (bytes) => contiguous(qza.message('request', { seq: 7, cmd: 153 }, Buffer.alloc(bytes, 0x78)).bytes),
    mutable: false,
  },
  {
    name: 'awesomerpc',
    about: 'a protocol from a table, with pairs: awesomerpc',
    protocol: awesomerpc,
    key: 'user',
    value: 'jason',
    request: (bytes) =>
      contiguous(
        awesomerpc.message('request', { pack_flow: 7, cmd: 1, user: 'jason' }, Buffer.alloc(bytes, 0x78)).bytes,
      ),
    mutable: true,
  },
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

/** `sayHello` with that many bytes of body, a timeout and two pairs of context. */
function tarsCall(bytes: number): Buffer {
  const count = Buffer.from('7d000200000000', 'hex');
  count.writeInt32BE(bytes, 3);
  const fields = [
    Buffer.from('10012c3c4007561744656d6f2e4563686f5365727665722e4563686f4f626a660873617948656c6c6f', 'hex'),
    ...[count, Buffer.alloc(bytes, 0x78)],
    Buffer.from('810bb89800020604757365721605616c696365060674656e616e741604626c7565a80c', 'hex'),
  ];
  const length = Buffer.alloc(4);
  const body = Buffer.concat(fields);
  length.writeUInt32BE(body.length + 4);
  return Buffer.concat([length, body]);
}

/** `example.EchoService.Echo` as C++ writes it, with two user fields and that many bytes of payload. */
function brpcCall(bytes: number): Buffer {
  const meta = Buffer.from(
    '0a1b0a136578616d706c652e4563686f5365727669636512044563686f18002082808080104a0d0a0475736572120572656ec3a94a0f0a08782d63616e61727912037965735000',
    'hex',
  );
  const fixed = Buffer.from('PRPC\0\0\0\0\0\0\0\0', 'latin1');
  fixed.writeUInt32BE(meta.length + bytes, 4);
  fixed.writeUInt32BE(meta.length, 8);
  return Buffer.concat([fixed, meta, Buffer.alloc(bytes, 0x78)]);
}

/** `/trpc.helloworld.Greeter/Hello` as trpc-go writes it, with a pair of trans_info and that many bytes of body. */
function trpcCall(bytes: number): Buffer {
  const header = Buffer.from(
    '180e20cf0f2a19747270632e676f6c64656e2e636c69656e742e43616c6c65723218747270632e676f6c64656e2e64656d6f2e477265657465723a1e2f747270632e68656c6c6f776f726c642e477265657465722f48656c6c6f40014a1d0a0f747270632d647965696e672d6b6579120a63616e6172792d6b6579',
    'hex',
  );
  const fixed = Buffer.from('09300000000000000000000000010100', 'hex');
  fixed.writeUInt32BE(16 + header.length + bytes, 4);
  fixed.writeUInt16BE(header.length, 8);
  return Buffer.concat([fixed, header, Buffer.alloc(bytes, 0x78)]);
}
