import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { thrift } from '../../../../adapters/protocols/thrift/index.js';
import { ByteQueue, type Message, ProtocolError } from '../../../../src/message/index.js';
import { decoded, reply, request } from './golden.js';
import { compact, framed, int32, json, old, strict, textField, theader, ttheader, vectors } from './vectors.js';

function attributesOf(message: Message): Record<string, string | undefined> {
  return Object.fromEntries([...message.keys()].map((key) => [key, message.get(key)]));
}

function sent(message: Message, idLow: number): Buffer {
  return Buffer.concat(thrift.open('upstream').encode(message, { idHigh: 0, idLow }));
}

const PAIRS: Record<string, Record<string, string>> = {
  header: { 'x-user': 'rené', empty: '', 'X-Tenant': 'red' },
  ttheader: { isn: 'Echo', 'x-user': 'rené', ToService: 'shop.echo', RPCTimeout: '250' },
};

describe.each(vectors)('$name', ({ transport, seq, request, oneway, reply, declared }) => {
  const pairs = PAIRS[transport] ?? {};

  test('tells kind, id, method, service, pairs and status', () => {
    const call = decoded(request);
    expect(call).toMatchObject({ kind: 'request', idLow: seq, idHigh: seq < 0 ? -1 : 0, operation: 'Echo/ping' });
    expect(attributesOf(call)).toEqual({ method: 'ping', service: 'Echo', ...pairs });
    expect(thrift.serviceKeys!(call)).toEqual(['Echo']);
    expect(decoded(oneway).kind).toBe('oneway');
    expect(decoded(reply, 'upstream').kind).toBe('response');
    expect(thrift.classify!(decoded(reply, 'upstream'))).toBe('ok');
    expect(decoded(declared, 'upstream').kind).toBe('error');
    expect(thrift.classify!(decoded(declared, 'upstream'))).toBe('business');
  });

  test('takes another id, and its own again', () => {
    for (const bytes of [request, reply]) {
      const message = decoded(bytes);
      for (const id of [1, 5, 127, 128, 70_000, 0x7fffffff]) {
        const arrived = decoded(sent(message, id));
        expect([arrived.idLow, arrived.idHigh]).toEqual([id, 0]);
        expect(attributesOf(arrived)).toEqual(attributesOf(message));
        expect(decoded(sent(arrived, seq))).toMatchObject({ kind: message.kind, idLow: seq });
        if (transport !== 'header zlib') expect(sent(arrived, seq).equals(bytes)).toBe(true);
      }
    }
  });

  test('is refused in the same transport and encoding, under its id and bare name', () => {
    const call = decoded(request);
    const refusal = thrift.open('downstream').reject(call, { code: 'NO_ROUTE', message: 'NO_ROUTE: “none”' });
    const told = decoded(Buffer.concat(refusal as Buffer[]), 'upstream');
    expect(told).toMatchObject({ kind: 'error', idLow: seq, status: '1' });
    expect(told.get('method')).toBe('ping');
    expect(told.get('service')).toBeUndefined();
    expect(thrift.classify!(told)).toBe('framework');
    expect(Buffer.concat(refusal as Buffer[]).includes('meltemi: NO_ROUTE: “none”')).toBe(true);
    // The low eight bits of a tag: transport and encoding in bits 3 to 6.
    expect(told.tag & 0x78).toBe(call.tag & 0x78);
    expect(thrift.open('downstream').reject(decoded(oneway), { code: 'X', message: 'X' })).toBeUndefined();
  });
});

test('refusals are those that real clients of four languages were shown to read', () => {
  const text = Buffer.from('no healthy upstream');
  const failure = { code: 'NO_ENDPOINT', message: 'no healthy upstream' };
  const refusal = (bytes: Buffer) => {
    const [frame] = thrift.open('downstream').reject(decoded(bytes), failure) as Buffer[];
    const at = frame!.indexOf('meltemi: ');
    // Without our prefix, and with the lengths that it changes as they were.
    return { head: frame!.subarray(4, at - 4), rest: frame!.subarray(at + 9), length: frame!.readInt32BE(0) };
  };
  const call = strict({ name: 'Echo:add', seq: 1 });
  expect(refusal(framed(call))).toEqual({
    head: Buffer.from('8001000300000003616464000000010b0001', 'hex'),
    rest: Buffer.concat([text, Buffer.from('0800020000000600', 'hex')]),
    length: 0x31 + 9,
  });
  expect(refusal(theader(call))).toMatchObject({
    head: Buffer.from('0fff000000000001000100000000' + '8001000300000003616464000000010b0001', 'hex'),
    length: 0x3f + 9,
  });
  const [frame] = thrift.open('downstream').reject(decoded(framed(compact({ name: 'add' }))), failure) as Buffer[];
  expect(frame!.toString('hex')).toBe(
    `00000028${'82610103616464'}181c${Buffer.from('meltemi: no healthy upstream').toString('hex')}150c00`,
  );
});

test.each([
  ['NO_SERVICE', '1'],
  ['NO_CLUSTER', '1'],
  ['BAD_REPLY', '7'],
  ['ENCODE_FAILED', '7'],
  ['RATE_LIMITED', '6'],
  ['DEADLINE', '6'],
])('%s is told as type %s', (code, type) => {
  const refusal = thrift.open('downstream').reject(decoded(framed(strict())), { code, message: code });
  expect(decoded(Buffer.concat(refusal as Buffer[]), 'upstream').status).toBe(type);
});

test('clients of different kinds may share a connection: each message tells its own', () => {
  const codec = thrift.open('upstream');
  const queue = new ByteQueue();
  const messages = [...vectors.map((it) => it.reply), strict(), framed(json()), compact(), old(), theader(strict())];
  queue.push(Buffer.concat(messages));
  for (const bytes of messages) expect(codec.decode(queue)?.size).toBe(bytes.length);
  expect(queue.length).toBe(0);
});

test('an old binary name may be multiplexed, and begin with any letter', () => {
  for (const name of ['a:b', 'Z', '_x']) expect(decoded(old({ name })).get('method')).toBe(name.split(':').at(-1));
  expect(() => decoded(old({ name: '(' }))).toThrow(ProtocolError);
});

test('names that are not plain ASCII, and JSON escapes', () => {
  expect(decoded(framed(json({ name: 'a\\"b\\u00e9' }))).get('method')).toBe('a"bé');
  const name = Buffer.from('привет').toString('latin1');
  const message = Buffer.concat([Buffer.from('80010001', 'hex'), int32(12), Buffer.from(name, 'latin1'), int32(9)]);
  expect(decoded(Buffer.concat([message, Buffer.of(0)])).get('method')).toBe('привет');
});

test.each([
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 'no Thrift: a message does not begin with 474554202f20'],
  ['TLS', Buffer.from('1603010200010001fc0303', 'hex'), 'a Thrift frame of 369295622 bytes; the limit is'],
  ['version 2', Buffer.from('8002000100000000', 'hex'), 'a Thrift frame whose length is negative'],
  ['a framed length over the limit', framed(strict()).fill(0x3f, 0, 1), 'a Thrift frame of 10569646'],
  ['a negative length', framed(strict()).fill(0x90, 0, 1), 'a Thrift frame whose length is negative'],
  ['type 5', framed(strict({ type: 5 })), 'no Thrift message: type 5; 1 to 4 are known'],
  [
    'a long name',
    framed(strict({ name: 'n'.repeat(5000) })),
    "a Thrift method's name of 5000 bytes; the limit is 4096",
  ],
  ['an unframed long name', strict({ name: 'n'.repeat(5000) }), "a Thrift method's name of 5000 bytes"],
  ['a head that is cut', framed(strict().subarray(0, 10)), 'a Thrift message of 14 bytes that ends inside its head'],
  ['a header longer than its frame', theader(strict()).fill(0xff, 12, 13), 'a Thrift header of'],
  ["Kitex's protobuf", ttheader(framed(Buffer.from('9001000100000000', 'hex'))), 'it begins with 0x9001'],
  ["Kitex's streams", ttheader(strict(), { flags: 2 }), "Kitex's streams over TTHeader are not supported"],
  ['a float for a sequence id', framed(Buffer.from('[1,"ping",1,1.5,{}]')), 'JSON without a sequence id'],
  ['a varint without end', framed(Buffer.from('8221ffffffffffffff', 'hex')), 'a Thrift varint of more than 32 bits'],
])('%s ends the connection with a reason', (_, bytes, reason) => {
  const queue = new ByteQueue();
  queue.push(bytes);
  let thrown: unknown;
  try {
    thrift.open('downstream').decode(queue);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ProtocolError);
  expect((thrown as Error).message).toContain(reason);
});

describe('a reply over the size limit', () => {
  const options = { maxMessageBytes: 1000 };
  const large = textField('binary', 0, 'x'.repeat(5000));

  test.each([
    ['framed', framed(strict({ type: 2, seq: 7, body: large }))],
    ['THeader', theader(strict({ type: 2, seq: 7, body: large }), { seq: 7, pairs: [['a', 'b']] })],
  ])('%s: is swallowed, and one that says so takes its place', (_, bytes) => {
    const codec = thrift.open('upstream', options);
    const queue = new ByteQueue();
    const told: Message[] = [];
    const next = framed(strict({ type: 2, seq: 8 }));
    for (const chunk of [
      bytes.subarray(0, 3),
      bytes.subarray(3, 30),
      bytes.subarray(30, 4000),
      bytes.subarray(4000),
      next,
    ]) {
      queue.push(chunk);
      for (let it = codec.decode(queue); it !== null; it = codec.decode(queue)) told.push(it);
      expect(queue.length).toBeLessThan(100);
    }
    expect(told.map(({ kind, idLow, status }) => ({ kind, idLow, status }))).toEqual([
      { kind: 'error', idLow: 7, status: '7' },
      { kind: 'response', idLow: 8, status: undefined },
    ]);
    expect(Buffer.concat(told[0]!.bytes).toString()).toContain(
      `meltemi: REPLY_TOO_LARGE: the reply has ${bytes.length} bytes, the limit is 1000`,
    );
  });

  test('unframed: ends the connection, as does a request', () => {
    for (const [side, bytes] of [
      ['upstream', strict({ type: 2, body: large })],
      ['downstream', framed(strict({ body: large }))],
    ] as const) {
      const queue = new ByteQueue();
      queue.push(bytes);
      expect(() => thrift.open(side, options).decode(queue)).toThrow('the limit');
    }
  });
});

describe.each(['node-framed-binary-big-request', 'py-framed-compact-big-request'])('%s', (name) => {
  const bytes = request(name);

  test('tells the same and is sent as the same bytes, wherever it was cut', () => {
    const whole = decoded(bytes);
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(cuts, (places) => {
        const message = decoded(
          bytes,
          'downstream',
          places.sort((a, b) => a - b),
        );
        expect(message.get('method')).toBe('blob');
        expect(sent(message, 77_000).equals(sent(whole, 77_000))).toBe(true);
        expect(Buffer.concat(thrift.open('upstream').encode(message)).equals(bytes)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('another id costs a fresh head, and the rest is what was read', () => {
    const message = decoded(bytes, 'downstream', [65_536]);
    const [head, ...rest] = thrift.open('upstream').encode(message, { idHigh: 0, idLow: 5 });
    expect(head!.length).toBeLessThan(40);
    expect(rest.every((piece) => message.bytes.some((it) => it.buffer === piece.buffer))).toBe(true);
  });
});

test('a head longer than what is joined of it is read whole', () => {
  const pairs = Array.from({ length: 200 }, (_, i) => [`key-${i}`, `value ${i}`] as const);
  const body = textField('binary', 1, 'x'.repeat(20_000));
  const bytes = theader(strict({ name: 'n'.repeat(900), body }), { pairs });
  const message = decoded(bytes, 'downstream', [100, 2000]);
  expect(message.get('method')).toHaveLength(900);
  expect(message.get('KEY-199')).toBe('value 199');
  expect(decoded(sent(message, 9)).idLow).toBe(9);
});

test('a message without a type of TApplicationException has type 0; one in an odd shape none', () => {
  expect(decoded(reply('node-framed-binary-unknown-method'), 'upstream').status).toBe('0');
  const exception = (body: string) => framed(strict({ type: 3, body: Buffer.from(body, 'hex') }));
  expect(decoded(exception('08000200000009' + '00'), 'upstream').status).toBe('9');
  expect(decoded(exception('0c000100' + '00'), 'upstream').status).toBeUndefined();
  expect(decoded(exception('0b00017fffffff'), 'upstream').status).toBeUndefined();
  expect(decoded(framed(json({ type: 3, body: Buffer.from('{"2":{"i32":"x"}}') })), 'upstream').status).toBeUndefined();
  expect(decoded(framed(json({ type: 3, body: Buffer.from('{"2":') })), 'upstream').status).toBeUndefined();
});
