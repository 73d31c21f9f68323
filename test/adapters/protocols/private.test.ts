import { describe, expect, test } from '@jest/globals';
import { awesomerpc } from '../../../adapters/protocols/awesomerpc/index.js';
import { qza } from '../../../adapters/protocols/qza/index.js';
import { videopacket } from '../../../adapters/protocols/videopacket/index.js';
import {
  ByteQueue,
  contiguous,
  type FramedProtocol,
  type Message,
  Mutation,
  type Side,
} from '../../../src/message/index.js';
import { codecKit } from '../../../src/testing/index.js';

/** The layouts of docs/protocols/private.md, as bytes written by hand: there are no recordings, nor real peers. */
const VECTORS: readonly {
  readonly protocol: FramedProtocol;
  readonly request: string;
  readonly reply: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly operation: string;
  readonly mutation: Mutation;
}[] = [
  {
    protocol: videopacket,
    request: `5650 01 01 00000027 0000000100000002 00000007 00000001 00000003 000003e8 00000000 ${hex('abc')}`,
    reply: `5650 01 02 00000026 0000000100000002 00000007 00000001 00000003 00000000 00000000 ${hex('ok')}`,
    attributes: {
      type: '1',
      request_id: '4294967298',
      app_id: '7',
      command: '1',
      service_type: '3',
      timeout_ms: '1000',
      result: '0',
    },
    operation: '1',
    mutation: new Mutation().set('app_id', '8').set('service_type', '0'),
  },
  {
    protocol: qza,
    request: `51 01 00000021 0000002a 00000099 00000002 0000000000000539 00000000 ${hex('abc')}`,
    reply: `51 02 00000020 0000002a 00000099 00000002 0000000000000539 00000000 ${hex('ok')}`,
    attributes: { type: '1', seq: '42', cmd: '153', sub_cmd: '2', uin: '1337', code: '0' },
    operation: '153/2',
    mutation: new Mutation().set('uin', '1'),
  },
  {
    protocol: awesomerpc,
    request: `01 0000002a 0000001f 0007 0000 000d 0004${hex('user')} 0005${hex('jason')} ${hex('abc')}`,
    reply: `01 0000002a 00000011 0007 0000 0000 ${hex('ok')}`,
    attributes: { version: '1', pack_flow: '42', cmd: '7', rsp_code: '0', user: 'jason' },
    operation: '7',
    mutation: new Mutation().set('foo', 'bar').delete('user'),
  },
];

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

const bytes = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

function decode(protocol: FramedProtocol, chunk: Buffer, side: Side): Message {
  const queue = new ByteQueue();
  queue.push(chunk);
  return protocol.open(side).decode(queue)!;
}

describe.each(VECTORS)('$protocol.name', ({ protocol, request, reply, attributes, operation, mutation }) => {
  const exchanges = [{ name: 'vector', request: bytes(request), reply: bytes(reply) }];
  for (const check of codecKit({ protocol, exchanges, mutation })) test(check.name, check.run);

  test('reads what the layout says', () => {
    const message = decode(protocol, bytes(request), 'downstream');
    expect(Object.fromEntries([...message.keys()].map((key) => [key, message.get(key)]))).toEqual(attributes);
    expect([message.kind, message.operation]).toEqual(['request', operation]);
    expect(String(contiguous(protocol.body(message)))).toBe('abc');
    expect(decode(protocol, bytes(reply), 'upstream').kind).toBe('response');
  });

  test('writes what the layout says', () => {
    expect(contiguous(protocol.message('request', attributes, 'abc').bytes)).toEqual(bytes(request));
  });
});
