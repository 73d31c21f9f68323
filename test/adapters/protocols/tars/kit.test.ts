import { describe, expect, test } from '@jest/globals';
import { tars } from '../../../../adapters/protocols/tars/index.js';
import { ByteQueue, type Message, Mutation } from '../../../../src/message/index.js';
import { codecKit } from '../../../../src/testing/index.js';
import { decoded, goldenNames, replyOf, requestOf, samples } from './golden.js';

const exchanges = goldenNames.filter((name) => name !== 'go-big-request').flatMap(samples);
const mutation = Mutation.of([
  ['x-tenant', 'blue'],
  ['user', undefined],
  ['unicode', '微风 😀'],
]);
const mutable = ({ kind }: Message) => kind !== 'heartbeat';

for (const check of codecKit({ protocol: tars, exchanges, mutation, mutable })) test(check.name, check.run);

const changed = (message: Message, entries: Mutation, side: 'downstream' | 'upstream' = 'downstream') =>
  decoded(Buffer.concat(tars.open(side).encode(message, message, entries)), side);

describe('TARS', () => {
  test('the samples are a spread', () => {
    expect(exchanges.length).toBeGreaterThan(50);
  });

  test('a large request keeps its body uncopied, in however many chunks it came', () => {
    const whole = requestOf('go-big-request');
    const bytes = Buffer.concat(whole.bytes);
    for (const size of [100, 1_500, 16_384, 65_536]) {
      const input = new ByteQueue();
      const codec = tars.open('downstream');
      let message: Message | null = null;
      for (let at = 0; at < bytes.length; at += size) {
        input.push(bytes.subarray(at, at + size));
        message = codec.decode(input) ?? message;
      }
      expect([...message!.keys()].map((key) => message!.get(key))).toEqual(
        [...whole.keys()].map((key) => whole.get(key)),
      );
      expect(tars.deadline!(message!)).toBe(tars.deadline!(whole));
      expect(Buffer.concat(message!.bytes).equals(bytes)).toBe(true);
      const sent = tars.open('upstream').encode(message!, { idHigh: 0, idLow: 99_999 }, new Mutation().set('a', 'b'));
      const arrived = decoded(Buffer.concat(sent));
      expect([arrived.idLow, arrived.get('a')]).toEqual([99_999, 'b']);
      expect(
        decoded(Buffer.concat(tars.open('upstream').encode(arrived, message!, new Mutation().delete('a')))).size,
      ).toBe(bytes.length);
    }
  });

  test('an attempt says what is left of the caller’s time, and leaves all else as it was', () => {
    const request = requestOf('go-context');
    const said = tars.deadline!(request)!;
    const stamp = tars.stamp!({ request, number: 1, remainingMs: said - 100 })!;
    const sent = changed(request, stamp);
    expect(tars.deadline!(sent)).toBe(said - 100);
    expect([...sent.keys()].map((key) => sent.get(key))).toEqual([...request.keys()].map((key) => request.get(key)));
    expect(tars.stamp!({ request, number: 1, remainingMs: said - 5 })).toBeUndefined();
    expect(tars.stamp!({ request, number: 1, remainingMs: Number.POSITIVE_INFINITY })).toBeUndefined();
  });

  test.each(['go-call', 'tup-complex-node'])('a refusal of %s has the id, the code and the text', (name) => {
    const request = requestOf(name);
    const [bytes] = tars.open('downstream').reject(request, { code: 'RATE_LIMITED', message: 'too fast' }) as Buffer[];
    const reply = decoded(bytes!, 'upstream');
    expect([reply.kind, reply.idLow, reply.status, reply.get('desc')]).toEqual([
      ...['error', request.idLow, '-9', 'meltemi: too fast'],
    ]);
    expect(tars.classify!(reply)).toBe('rejected');
  });

  test('replies are told apart by their code', () => {
    expect(tars.classify!(replyOf('go-call'))).toBe('ok');
    expect(tars.classify!(replyOf('go-error-code'))).toBe('business');
    expect(tars.classify!(replyOf('go-node-unknown-func'))).toBe('framework');
  });

  test.each([
    ['a length below its own', '00000004', '4 bytes, its length included'],
    ['no id', '00000009 1001 2c 3c 5c', 'no request id'],
    ['a type that is none', '00000007 1e0000', 'there is no type 14'],
    ['a text beyond the end', '00000008 56ff6161', 'a value of 255 bytes reaches beyond the end'],
    ['a list of more than there is', '0000000c b902 7fffffff 0000', 'a count of 2147483647 reaches beyond the end'],
    ['nesting without end', `00000068${'ba'.repeat(100)}`, 'nest deeper than 32'],
  ])('%s ends the connection', (_, hex, says) => {
    expect(() => decoded(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toThrow(says);
  });
});

describe('hostile TARS packets', () => {
  const packet = (...fields: readonly (readonly number[] | Buffer)[]) => {
    const bytes = Buffer.concat([Buffer.alloc(4), ...fields.map((each) => Buffer.from(each))]);
    bytes.writeUInt32BE(bytes.length, 0);
    return bytes;
  };
  /** Version, packet and message type; servant and function; an empty body and no timeout. */
  const front = [0x10, 1, 0x2c, 0x3c];
  const names = [0x56, 1, 0x53, 0x66, 1, 0x66, 0x7d, 0, 0x0c];

  test('a second id, by which another caller’s reply could be had, ends the connection', () => {
    expect(decoded(packet(front, [0x40, 9], names, [0x8c])).idLow).toBe(9);
    expect(() => decoded(packet(front, [0x40, 9, 0x40, 7], names, [0x8c]))).toThrow(
      'the field 4 comes behind the field 4',
    );
    expect(() => decoded(packet(front, [0x40, 9, 0x3c, 0x40, 7], names))).toThrow(
      'the field 3 comes behind the field 4',
    );
  });

  test('of two contexts the first counts, as for peers; a rule that changes it gets no packet through unchanged', () => {
    const context = (value: number) => [0x98, 0, 1, 0x06, 1, 0x6b, 0x16, 1, value];
    const bytes = packet(front, [0x40, 9], names, [0x8c], context(0x41), context(0x42));
    const message = decoded(bytes);
    expect(message.get('k')).toBe('A');
    expect(() => changed(message, new Mutation().delete('k'))).toThrow('no attribute can be set in this TARS packet');
    expect(Buffer.concat(changed(message, new Mutation().set('\0timeout', '5')).bytes)).toEqual(bytes);
  });

  test('the end of a struct is no value in a map, nor does reading it throw', () => {
    const message = decoded(packet(front, [0x40, 9], names, [0x8c], [0x98, 0, 1, 0x0b, 0x1b]));
    expect([message.get('k'), [...message.keys()], tars.serviceKeys!(message)]).toEqual([
      undefined,
      ['servant', 'func'],
      ['S'],
    ]);
  });

  test('a context of which each lookup would take milliseconds is not read', () => {
    const pairs = 100_000;
    const count = Buffer.from([0x98, 2, 0, 0, 0, 0]);
    count.writeInt32BE(pairs, 2);
    const message = decoded(packet(front, [0x40, 9], names, [0x8c], count, Buffer.alloc(4 * pairs, '06001600', 'hex')));
    expect([...message.keys()]).toEqual(['servant', 'func']);
  });

  test('a body that reaches beyond its packet ends the connection, in however many chunks it came', () => {
    const size = Buffer.from([0x7d, 0, 2, 0, 0, 0x60, 0]);
    const bytes = packet(front, [0x40, 9], names.slice(0, -3), size, Buffer.alloc(0x4000));
    const input = new ByteQueue();
    input.push(bytes.subarray(0, 5_000));
    input.push(bytes.subarray(5_000));
    expect(() => tars.open('downstream').decode(input)).toThrow('reaches beyond the end');
    expect(() => decoded(bytes)).toThrow('reaches beyond the end');
  });
});
