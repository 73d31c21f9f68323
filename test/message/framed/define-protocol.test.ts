import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  ByteQueue,
  contiguous,
  defineProtocol,
  type FramedTable,
  formatWireId,
  type HeaderField,
  type Message,
  Mutation,
  type Side,
} from '../../../src/message/index.js';
import { codecKit } from '../../../src/testing/index.js';

const WHOLE: FramedTable = {
  name: 'whole',
  operation: ['service', 'command'],
  service: 'service',
  header: [
    { name: 'magic', type: 'u16', is: 0xcafe },
    { name: 'type', type: 'u8', kinds: { 1: 'request', 2: 'response', 3: 'oneway', 4: 'ping', 5: 'pong', 6: 'event' } },
    { name: 'code', type: 'i16', status: { 0: 'ok', 1: 'business', [-3]: 'rejected' }, reject: -1 },
    { name: 'length', type: 'u32', length: 'message' },
    { name: 'seq', type: 'u64', id: true },
    { name: 'patience', type: 'u32', timeout: true },
    { name: 'command', type: 'u16' },
    { name: 'balance', type: 'i64' },
    { name: 'service', text: 8 },
    { name: 'pairs', type: 'u16', pairs: true },
  ],
};

/** The least there can be: no kind, no id, no status. */
const LEAST: FramedTable = {
  name: 'least',
  endian: 'little',
  header: [
    { name: 'length', type: 'u16', length: 'rest' },
    { name: 'what', type: 'i8' },
  ],
};

const whole = defineProtocol(WHOLE);
const little = defineProtocol({ ...WHOLE, name: 'little', endian: 'little' });
const least = defineProtocol(LEAST);
const FIELDS = { seq: 1n << 40n, patience: 900, command: 7, balance: -5, service: 'shop', user: 'jason', Trace: 'ü' };

function decode(protocol: typeof whole, bytes: Buffer | readonly Buffer[], side: Side = 'downstream'): Message {
  const queue = new ByteQueue();
  for (const chunk of Buffer.isBuffer(bytes) ? [bytes] : bytes) queue.push(chunk);
  return protocol.open(side).decode(queue)!;
}

const bytesOf = (message: Message) => contiguous(message.bytes);
const all = (message: Message) => Object.fromEntries([...message.keys()].map((key) => [key, message.get(key)]));

for (const protocol of [whole, little]) {
  const exchanges = [
    {
      name: 'call',
      request: bytesOf(protocol.message('request', FIELDS, 'a body')),
      reply: bytesOf(protocol.message('response', { seq: 1n << 40n, took: '3' }, 'an answer')),
    },
    { name: 'without a body', request: bytesOf(protocol.message('request', { seq: 3 })) },
    { name: 'oneway', request: bytesOf(protocol.message('oneway', { command: 1 }, 'x')) },
    { name: 'business', reply: bytesOf(protocol.message('response', { seq: 9, code: 1 }, 'no')) },
    { name: 'large', request: bytesOf(protocol.message('request', FIELDS, Buffer.alloc(2_000, 1))) },
  ];
  const mutation = new Mutation().set('user', 'alice').set('new', 'pair').set('command', '9').delete('trace');
  for (const check of codecKit({ protocol, exchanges, mutation })) test(check.name, check.run);
}

const pings = [{ name: 'call', request: bytesOf(least.message('request', { what: -3 }, 'a body')) }];
for (const check of codecKit({ protocol: least, exchanges: pings })) test(check.name, check.run);

describe('a protocol from a table', () => {
  test('reads fields and pairs as attributes, in any case of their keys', () => {
    const message = decode(whole, bytesOf(whole.message('request', FIELDS, 'a body')));
    expect(all(message)).toEqual({
      type: '1',
      code: '0',
      seq: String(1n << 40n),
      patience: '900',
      command: '7',
      balance: '-5',
      service: 'shop',
      user: 'jason',
      Trace: 'ü',
    });
    expect([message.get('USER'), message.get('trace'), message.get('Command'), message.get('magic')]).toEqual([
      ...['jason', 'ü', '7', undefined],
    ]);
    expect([message.kind, message.operation, formatWireId(message)]).toEqual(['request', 'shop/7', String(1n << 40n)]);
    expect(String(contiguous(whole.body(message)))).toBe('a body');
    expect(whole.serviceKeys!(message)).toEqual(['shop']);
  });

  test('reads what it wrote, whatever the values', () => {
    const fields = fc.record({
      seq: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      patience: fc.nat(),
      command: fc.nat(65_535),
      balance: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
      service: fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 8 }),
      pair: fc.string({ unit: 'grapheme', maxLength: 200 }),
    });
    fc.assert(
      fc.property(fields, fc.constantFrom(whole, little), (values, protocol) => {
        const message = decode(protocol, bytesOf(protocol.message('request', values, 'x')));
        for (const [key, value] of Object.entries(values)) expect(message.get(key)).toBe(String(value));
      }),
    );
  });

  test('statuses are errors, and each what the table says', () => {
    const said = [0, 1, -3, 77].map((code) => {
      const reply = decode(whole, bytesOf(whole.message('response', { code })), 'upstream');
      return [reply.kind, reply.status, whole.classify!(reply)];
    });
    expect(said).toEqual([
      ['response', '0', 'ok'],
      ['error', '1', 'business'],
      ['error', '-3', 'rejected'],
      ['error', '77', 'framework'],
    ]);
    expect(decode(whole, bytesOf(whole.message('request'))).status).toBeUndefined();
  });

  test('refuses with the header of the request, so that whoever waits knows it for its own', () => {
    const request = decode(whole, bytesOf(whole.message('request', FIELDS, 'a body')));
    const bytes = whole.open('downstream').reject(request, { code: 'NO_ROUTE', message: 'NO_ROUTE: nowhere to go' });
    const reply = decode(whole, bytes as Buffer[], 'upstream');
    expect([reply.kind, reply.status, formatWireId(reply)]).toEqual(['error', '-1', String(1n << 40n)]);
    expect(String(contiguous(whole.body(reply)))).toBe('NO_ROUTE: nowhere to go');
    const oneway = decode(whole, bytesOf(whole.message('oneway')));
    expect(whole.open('downstream').reject(oneway, { code: 'NO_ROUTE', message: '' })).toBeUndefined();
    const mute = decode(least, bytesOf(least.message('request')));
    expect(least.open('downstream').reject(mute, { code: 'NO_ROUTE', message: '' })).toBe('close');
  });

  test('a reason that is longer than a message may be is cut', () => {
    const short = defineProtocol({
      name: 'short',
      header: [
        { name: 'length', type: 'u8', length: 'message' },
        { name: 'seq', type: 'u32', id: true },
        { name: 'code', type: 'u8', status: { 0: 'ok' }, reject: 1 },
      ],
    });
    const refusal = { code: 'NO_ROUTE', message: 'x'.repeat(300) };
    const frame = short.open('downstream').reject(short.message('request', { seq: 7 }), refusal) as Buffer[];
    const reply = decode(short, frame, 'upstream');
    expect([reply.kind, reply.idLow, reply.size]).toEqual(['error', 7, 255]);
    const long = whole
      .open('downstream')
      .reject(whole.message('request', FIELDS), { ...refusal, message: 'x'.repeat(9999) });
    expect(decode(whole, long as Buffer[], 'upstream').size).toBeLessThan(1100);
  });

  test('changes numbers, texts and pairs; the rest stays byte for byte', () => {
    const request = decode(whole, bytesOf(whole.message('request', FIELDS, 'a body')));
    const before = Buffer.from(bytesOf(request));
    const mutation = new Mutation().set('USER', 'alice').set('service', 'store').set('more', '').delete('command');
    for (const key of ['seq', 'type', 'code', 'magic', 'length', 'pairs']) mutation.set(key, '66');
    const changed = decode(whole, whole.open('upstream').encode(request, { idHigh: 0, idLow: 5 }, mutation));
    expect(all(changed)).toEqual({
      ...{ type: '1', code: '0', seq: '5', patience: '900', command: '0', balance: '-5', service: 'store' },
      ...{ Trace: 'ü', USER: 'alice', more: '', magic: '66', length: '66', pairs: '66' },
    });
    expect(String(contiguous(whole.body(changed)))).toBe('a body');
    expect(bytesOf(request)).toEqual(before);
  });

  test.each([
    ['command', '65536'],
    ['command', '-1'],
    ['command', 'seven'],
    ['command', ''],
    ['balance', String(1n << 63n)],
    ['service', 'much too long'],
  ])('a mutation that %s cannot hold (%s) is an error that names it', (key, value) => {
    const request = decode(whole, bytesOf(whole.message('request', FIELDS)));
    expect(() => whole.open('upstream').encode(request, request, new Mutation().set(key, value))).toThrow(
      `the field ${key} holds`,
    );
  });

  test('deadlines are read from the wire and said on', () => {
    const request = decode(whole, bytesOf(whole.message('request', { patience: 900 })));
    const silent = decode(whole, bytesOf(whole.message('request')));
    expect([whole.deadline!(request), whole.deadline!(silent)]).toEqual([900, undefined]);
    const stamped = (of: Message, remainingMs: number) =>
      whole.stamp!({ request: of, number: 1, remainingMs })?.lookup('patience');
    expect(stamped(request, 300.7)).toBe('300');
    expect(stamped(request, 890)).toBeUndefined();
    expect(stamped(silent, 890)).toBe('890');
    expect(stamped(request, Number.POSITIVE_INFINITY)).toBeUndefined();
    expect(stamped(request, 0.2)).toBe('1');
    expect(least.deadline).toBeUndefined();
  });

  test('a ping is answered with a pong of its id and body', () => {
    const ping = decode(whole, bytesOf(whole.message('heartbeat', { seq: 12 }, 'sent at noon')));
    const codec = whole.open('downstream');
    const pong = decode(whole, codec.answer!(ping) as Buffer[], 'upstream');
    expect([pong.kind, formatWireId(pong), pong.get('type')]).toEqual(['heartbeat', '12', '5']);
    expect(String(contiguous(whole.body(pong)))).toBe('sent at noon');
    expect(codec.answer!(pong)).toBeUndefined();
    expect(decode(whole, whole.heartbeat!() as Buffer[]).kind).toBe('heartbeat');
  });

  test('a reply over the limit fails its call alone, however it comes', () => {
    const reply = bytesOf(whole.message('response', { seq: 7 }, Buffer.alloc(5_000)));
    const next = bytesOf(whole.message('response', { seq: 8 }, 'small'));
    for (const size of [1, 7, 50, 100_000]) {
      const codec = whole.open('upstream', { maxMessageBytes: 1_000 });
      const queue = new ByteQueue();
      const replies: Message[] = [];
      const both = Buffer.concat([reply, next]);
      for (let at = 0; at < both.length; at += size) {
        queue.push(both.subarray(at, at + size));
        for (let each = codec.decode(queue); each !== null; each = codec.decode(queue)) replies.push(each);
      }
      expect(replies.map((each) => [each.kind, each.idLow])).toEqual([
        ['error', 7],
        ['response', 8],
      ]);
      expect(String(contiguous(whole.body(replies[0]!)))).toContain('REPLY_TOO_LARGE');
    }
  });

  test.each<[string, (bytes: Buffer) => unknown, string]>([
    ['another magic', (bytes) => bytes.writeUInt16BE(0xcaff, 0), 'not whole: magic is 51967, and must be 51966'],
    ['an unknown kind', (bytes) => (bytes[2] = 9), 'type is 9, which is no kind'],
    ['a length below the header', (bytes) => bytes.writeUInt32BE(3, 5), 'length is 3, less than the header'],
    ['a request over the limit', (bytes) => bytes.writeUInt32BE(2 ** 31, 5), 'a message of 2147483648 bytes'],
    ['pairs beyond the end', (bytes) => bytes.writeUInt16BE(60_000, 39), 'pairs is 60000; there is room for 6 bytes'],
  ])('%s ends the connection', (_, break_, says) => {
    const bytes = bytesOf(whole.message('request', { seq: 1 }, 'a body'));
    break_(bytes);
    expect(() => decode(whole, bytes)).toThrow(says);
  });

  test('is known for none by its first bytes', () => {
    expect(() => decode(whole, Buffer.from('G'.repeat(3)))).toThrow('not whole: magic');
    expect(decode(whole, Buffer.from([0xca]))).toBeNull();
  });

  test('pairs that are cut off in their midst are not there', () => {
    const bytes = bytesOf(whole.message('request', { a: '1', b: '2' }));
    bytes.writeUInt16BE(100, bytes.length - 3);
    const message = decode(whole, bytes);
    expect([message.get('a'), message.get('b')]).toEqual(['1', undefined]);
    const kept = decode(whole, whole.open('upstream').encode(message, message, new Mutation().delete('a')));
    expect(kept.get('a')).toBeUndefined();
    expect(kept.size).toBe(message.size - 6);
  });
});

describe('a table that cannot be used', () => {
  const number: HeaderField = { name: 'n', type: 'u8' };
  const length: HeaderField = { name: 'length', type: 'u32', length: 'rest' };
  test.each<[string, Partial<FramedTable>, string]>([
    ['no length', { header: [number] }, "no field has 'length'"],
    ['two lengths', { header: [length, { ...length, name: 'again' }] }, "two fields with 'length'"],
    ['two of a name', { header: [length, number, { ...number, name: 'N' }] }, 'two fields are called N'],
    ['a type that is none', { header: [length, { name: 'n', type: 'u24' as never }] }, 'n is of type u24; one of u8'],
    ['text without bytes', { header: [length, { name: 't', text: 0 }] }, 'has 0 bytes of text'],
    ['sharing without an id', { header: [length], sharing: 'multiplexed' }, 'no id of 32 bits'],
    [
      'a short id',
      { header: [length, { name: 'id', type: 'u16', id: true }], sharing: 'multiplexed' },
      'no id of 32 bits',
    ],
    ['an operation of no field', { header: [length], operation: ['cmd'] }, 'no field is called cmd'],
    ['a service of no field', { header: [length], service: 'who' }, 'no field is called who'],
    [
      'half a heartbeat',
      { header: [length, { name: 'k', type: 'u8', kinds: { 1: 'ping' } }] },
      'a heartbeat needs both',
    ],
    [
      'refusals that say ok',
      { header: [length, { name: 's', type: 'u8', status: { 0: 'ok' }, reject: 0 }] },
      "its status says 'ok' of what the mesh refuses",
    ],
    [
      'a refusal that says it did not run',
      { header: [length, { name: 's', type: 'u8', status: { 0: 'ok', 2: 'rejected' }, reject: 2 }] },
      'it may have run',
    ],
    ['a huge header', { header: [length, { name: 't', text: 2_000 }] }, 'at most 1024'],
  ])('%s', (_, table, says) => {
    expect(() => defineProtocol({ ...LEAST, ...table })).toThrow(says);
    expect(() => defineProtocol({ ...LEAST, ...table })).toThrow(TypeError);
  });
});

test('sharing follows from the id', () => {
  const of = (type: 'u16' | 'u32') =>
    defineProtocol({
      name: 'x',
      header: [
        { name: 'l', type, length: 'rest' },
        { name: 'i', type, id: true },
      ],
    }).sharing;
  expect([of('u16'), of('u32')]).toEqual(['exclusive', 'multiplexed']);
});
