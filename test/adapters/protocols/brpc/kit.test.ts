import { describe, expect, test } from '@jest/globals';
import { brpc } from '../../../../adapters/protocols/brpc/index.js';
import { formatWireId, type Message, Mutation } from '../../../../src/message/index.js';
import { codecKit } from '../../../../src/testing/index.js';
import { decoded, goldenNames, replyOf, requestOf, samples } from './golden.js';
import { answer, RESET, request, streamFrame } from './wire-format.js';

const exchanges = goldenNames.filter((name) => !/big|stream/.test(name)).flatMap(samples);
const mutation = Mutation.of([
  ['x-tenant', 'blue'],
  ['user', undefined],
  ['X-CANARY', 'no'],
  ['unicode', '微风 😀'],
]);

for (const check of codecKit({ protocol: brpc, exchanges, mutation, mutable: () => true })) test(check.name, check.run);

describe('streams', () => {
  const [opening, accepted, ...within] = samples('cpp-stream');
  const opens = { name: 'cpp-stream opening', request: opening!.request!, reply: accepted!.reply! };
  const refused = {
    name: 'refused',
    request: request({ id: 2n ** 40n, streams: [2n ** 50n] }),
    reply: answer(2n ** 50n, { id: 2n ** 40n, code: 1004 }),
  };
  const resets = { name: 'reset', request: streamFrame({ to: 5, type: RESET }) };
  const protocol = brpc;
  const mutable = ({ kind }: Message) => kind === 'stream-open' || kind === 'stream-close';
  const exchanges = [opens, ...within, resets];
  const recorded = codecKit({
    protocol,
    exchanges,
    mutation,
    mutable: ({ kind }) => kind === 'stream-open',
    runs: 500,
  });
  for (const check of recorded) test(check.name, check.run);
  for (const check of codecKit({ protocol, exchanges: [refused], mutation, mutable, runs: 500 })) {
    test(`refused: ${check.name}`, check.run);
  }
});

const changed = (message: Message, entries: Mutation) =>
  decoded(Buffer.concat(brpc.open('downstream').encode(message, message, entries)));

describe('bRPC', () => {
  test('the samples are a spread', () => {
    expect(exchanges.length).toBeGreaterThan(60);
  });

  test('what follows the meta is never touched, however the meta changes', () => {
    for (const name of [
      'cpp-attachment',
      'cpp-checksum',
      'cpp-gzip',
      'cpp-big-attachment',
      'javabrpc-cpp-kv-attachment',
    ]) {
      const request = requestOf(name);
      const bytes = Buffer.concat(request.bytes);
      const body = bytes.subarray(12 + bytes.readUInt32BE(8));
      const sent = Buffer.concat(
        brpc
          .open('upstream')
          .encode(request, { idHigh: 7, idLow: 7 }, new Mutation().set('a', 'b').set('\0timeout', '77')),
      );
      expect(sent.subarray(12 + sent.readUInt32BE(8)).equals(body)).toBe(true);
      const arrived = decoded(sent);
      expect([formatWireId(arrived), arrived.get('a'), brpc.deadline!(arrived)]).toEqual([
        String(7n * 2n ** 32n + 7n),
        'b',
        77,
      ]);
      expect([arrived.get('service'), arrived.get('method')]).toEqual([request.get('service'), request.get('method')]);
    }
  });

  test('an attempt says what is left of the caller’s time, in the place where it was said', () => {
    const request = requestOf('cpp-deadline-on-the-wire');
    const said = brpc.deadline!(request)!;
    expect(said).toBeGreaterThan(0);
    const sent = changed(request, brpc.stamp!({ request, number: 1, remainingMs: said / 2 })!);
    expect(brpc.deadline!(sent)).toBe(Math.floor(said / 2));
    expect(Buffer.concat(changed(sent, new Mutation().set('\0timeout', String(said))).bytes)).toEqual(
      Buffer.concat(request.bytes),
    );
    expect(brpc.stamp!({ request, number: 1, remainingMs: said - 5 })).toBeUndefined();
    expect(brpc.stamp!({ request, number: 1, remainingMs: Number.POSITIVE_INFINITY })).toBeUndefined();
  });

  test('a request’s meta in two fields, which peers merge, has the time that is left in the last one', () => {
    const meta = Buffer.from('0a05 0a0153 4064 0a03 12014d 2007'.replaceAll(' ', ''), 'hex');
    const fixed = Buffer.from('5052504300000000 00000000'.replace(' ', ''), 'hex');
    fixed.writeUInt32BE(meta.length, 4);
    fixed.writeUInt32BE(meta.length, 8);
    const request = decoded(Buffer.concat([fixed, meta]));
    expect([request.operation, brpc.deadline!(request)]).toEqual(['S/M', 100]);
    const sent = changed(request, brpc.stamp!({ request, number: 1, remainingMs: 50 })!);
    expect([sent.operation, sent.idLow, brpc.deadline!(sent)]).toEqual(['S/M', 7, 50]);
  });

  test('a refusal is what real clients were seen to read, and has all 64 bits of the id', () => {
    const request = requestOf('cpp-normal');
    const [bytes] = brpc.open('downstream').reject(request, { code: 'CIRCUIT_OPEN', message: 'open' }) as Buffer[];
    const reply = decoded(bytes!, 'upstream');
    expect([reply.kind, formatWireId(reply), reply.status, reply.get('error_text')]).toEqual([
      ...['error', '4294967298', '1011', 'meltemi: open'],
    ]);
    expect(brpc.classify!(reply)).toBe('rejected');
    expect(bytes!.readUInt32BE(4)).toBe(bytes!.readUInt32BE(8));
  });

  test('replies are told apart by their code', () => {
    expect(brpc.classify!(replyOf('cpp-normal'))).toBe('ok');
    expect(brpc.classify!(replyOf('cpp-unknown-service'))).toBe('framework');
    expect(brpc.classify!(replyOf('cpp-jprotobuf-user-error'))).toBe('framework');
    const own = Buffer.from('50525043000000060000000612020 82a2001'.replace(' ', ''), 'hex');
    expect(brpc.classify!(decoded(own, 'upstream'))).toBe('business');
  });

  test.each([
    ['another magic', '50525051', 'not bRPC: byte 3 of the frame is 0x51'],
    ['half a magic', '53545243', 'not bRPC: byte 3 of the frame is 0x43, magic is "STRM"'],
    ['a meta longer than the frame', '505250430000000200000003', 'a meta of 3 bytes; there is room for 2'],
    ['a meta that is no protobuf', '5052504300000002000000020aff', 'the meta is no protobuf from byte 12 on'],
    ['a request that is no protobuf', '5052504300000005000000050a030a057a', 'the meta is no protobuf from byte 14 on'],
  ])('%s ends the connection', (_, hex, says) => {
    expect(() => decoded(Buffer.from(hex, 'hex'))).toThrow(says);
  });
});
