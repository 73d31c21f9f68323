import { describe, expect, test } from '@jest/globals';
import { trpc, trpcProtocol } from '../../../../adapters/protocols/trpc/index.js';
import { FAILURES } from '../../../../src/call/index.js';
import { ByteQueue, Mutation, ProtocolError, type Side } from '../../../../src/message/index.js';
import { decoded, goldenNames, replyOf, requestOf } from './golden.js';

const codec = trpc.open('downstream');

function refusal(name: string, code: string, message = code): Buffer {
  return Buffer.concat(codec.reject(requestOf(name), { code, message }) as Buffer[]);
}

function refused(hex: string, side: Side = 'downstream', protocol = trpc): string {
  const input = new ByteQueue();
  input.push(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  try {
    protocol.open(side).decode(input);
  } catch (error) {
    if (error instanceof ProtocolError) return error.message;
    throw error;
  }
  return 'taken';
}

describe('tRPC', () => {
  test('a refusal is, byte for byte, what real clients were seen to raise', () => {
    // Of request 1, with stream id 1 and version 1, as trpc-go sends it.
    const proven = '093000000000002f001f0000000101001801201f32196d6573683a206e6f206865616c74687920757073747265616d';
    const ours = refusal('go-unary', 'NO_ENDPOINT', 'mesh: no healthy upstream').toString('hex');
    // Ours says whose text it is.
    const prefix = Buffer.from('meltemi: ').toString('hex');
    expect(ours).toBe(
      proven.replace('0000002f001f', '0000003800 28'.replace(' ', '')).replace('3219', `3222${prefix}`),
    );
  });

  test('a refusal carries all that its caller finds the call by', () => {
    for (const name of goldenNames) {
      const request = requestOf(name);
      if (request.kind !== 'request') continue;
      const frame = refusal(name, 'NO_ROUTE');
      const reply = decoded(frame, 'upstream');
      expect([reply.idHigh, reply.idLow, frame[14]]).toEqual([request.idHigh, request.idLow, request.bytes[0]![14]]);
      expect([reply.kind, reply.status, reply.get('error_msg')]).toEqual(['error', '11', 'meltemi: NO_ROUTE']);
    }
    expect(codec.reject(requestOf('go-oneway'), { code: 'NO_ROUTE', message: '' })).toBeUndefined();
    expect(codec.reject(replyOf('go-unary'), { code: 'NO_ROUTE', message: '' })).toBeUndefined();
  });

  test('a refused stream is an INIT with a code', () => {
    const reply = decoded(refusal('go-stream-bidi', 'RATE_LIMITED'), 'upstream');
    expect([reply.kind, reply.idLow, reply.status, reply.get('error_msg')]).toEqual([
      'stream-close',
      100,
      '23',
      'meltemi: RATE_LIMITED',
    ]);
    expect(trpc.classify!(reply)).toBe('rejected');
  });

  test('every failure has a code that is no success, and long texts are cut', () => {
    for (const code of Object.keys(FAILURES)) {
      const reply = decoded(refusal('go-unary', code, 'x'.repeat(100_000)), 'upstream');
      expect([reply.kind, Number(reply.status) > 0, reply.size < 1100]).toEqual(['error', true, true]);
    }
  });

  test('replies are told apart: answers, errors of the handler, of the framework, and refusals', () => {
    const status = (name: string) => trpc.classify!(replyOf(name));
    expect(status('go-unary')).toBe('ok');
    expect(status('go-user-error')).toBe('business');
    expect(status('go-plain-error')).toBe('business');
    expect(status('go-unknown-func')).toBe('framework');
    expect(status('go-java-framework-error')).toBe('rejected');
    // ret and func_ret 999: an exception in a Java handler.
    const java = '09300000 00000018 0008 00000000 0000 1801 20e707 28e707';
    const reply = decoded(Buffer.from(java.replaceAll(' ', ''), 'hex'), 'upstream');
    expect([reply.kind, reply.status, trpc.classify!(reply)]).toEqual(['error', '999/999', 'business']);
  });

  test('the end of a stream has the code of handler or framework in the same field', () => {
    const end = (hex: string) => {
      const frame = Buffer.from(`0930010400000000000000000064 0000${hex}`.replaceAll(' ', ''), 'hex');
      frame.writeUInt32BE(frame.length, 4);
      const message = decoded(frame, 'upstream');
      return [message.kind, trpc.classify!(message)];
    };
    expect(end('')).toEqual(['stream-close', 'ok']);
    expect(end('0801')).toEqual(['stream-close', 'business']);
    expect(end('0801 10e64e')).toEqual(['stream-close', 'business']);
    expect(end('0801 101f')).toEqual(['stream-close', 'framework']);
    expect(end('0801 1016')).toEqual(['stream-close', 'rejected']);
    expect(end('30e707')).toEqual(['stream-close', 'business']);
  });

  test("the header's timeout is the deadline, and is set to what is left of it", () => {
    const request = requestOf('go-unary');
    expect(trpc.deadline!(request)).toBe(1999);
    const stamp = (remainingMs: number) => trpc.stamp!({ request, number: 1, remainingMs });
    expect([stamp(1999), stamp(1980), stamp(Number.POSITIVE_INFINITY)]).toEqual([undefined, undefined, undefined]);
    for (const [remaining, said] of [
      [1500.9, 1500],
      [3000, 3000],
      [0.2, 1],
      [1e12, 4294967295],
    ] as const) {
      const sent = trpc.open('upstream').encode(request, request, stamp(remaining)!);
      expect(trpc.deadline!(decoded(Buffer.concat(sent)))).toBe(said);
    }
    const without = decoded(Buffer.from('09300000000000120002000000000000 1805'.replace(' ', ''), 'hex'));
    expect(trpc.deadline!(without)).toBeUndefined();
    const stamped = trpc.stamp!({ request: without, number: 1, remainingMs: 80 })!;
    expect(trpc.deadline!(decoded(Buffer.concat(trpc.open('upstream').encode(without, without, stamped))))).toBe(80);
  });

  test('the callee is whose request it is', () => {
    expect(trpc.serviceKeys!(requestOf('go-unary'))).toEqual(['trpc.golden.demo.Greeter']);
    // What trpc-java sends where nothing is configured.
    expect(trpc.serviceKeys!(requestOf('java-go-unary'))).toEqual(['trpc...']);
    expect(trpc.serviceKeys!(replyOf('go-unary'))).toEqual([]);
  });

  test('ids are written as request id, with the stream id where it is another', () => {
    expect(trpc.formatId!(requestOf('go-metadata'))).toBe('9');
    expect(trpc.formatId!(replyOf('go-java-metadata'))).toBe('9');
    expect(trpc.formatId!({ idHigh: 3, idLow: -1 })).toBe('4294967295/3');
  });

  test('replies of trpc-java get the stream id that multiplexed trpc-go clients wait for', () => {
    const request = requestOf('go-java-unary');
    const reply = replyOf('go-java-unary');
    expect([request.idHigh, reply.idHigh]).toEqual([1, 0]);
    const sent = Buffer.concat(codec.encode(reply, request));
    expect(sent.readUInt32BE(10)).toBe(1);
  });

  test('attributes of a reply are set as pairs', () => {
    const sent = codec.encode(replyOf('go-unary'), requestOf('go-unary'), new Mutation().set('x-served-by', 'v2'));
    const arrived = decoded(Buffer.concat(sent), 'upstream');
    expect([arrived.get('x-served-by'), arrived.kind]).toEqual(['v2', 'response']);
  });

  test('what is no frame ends the connection, with what and where', () => {
    expect(refused('dabb')).toBe('not tRPC: byte 0 of the frame is 0xda, magic is 0x0930');
    expect(refused('0931')).toBe('not tRPC: byte 1 of the frame is 0x31, magic is 0x0930');
    const none = 'tRPC frame: 0 bytes in all at byte 4, 16 of them headers';
    expect(refused('09300000 00000000 0000 00000000 0000')).toBe(none);
    expect(refused('09300101 00000000 0000 00000000 0000')).toBe(none);
    expect(refused('09300000 00000011 0002 00000000 0000 18')).toMatch('17 bytes in all at byte 4, 18 of them headers');
    expect(refused('09300200 00000010 0000 00000000 0000')).toMatch('type 2, stream type 0 at byte 2');
    expect(refused('09300105 00000010 0000 00000000 0000')).toMatch('type 1, stream type 5');
    expect(refused('09300000 00000012 0002 00000000 0000 18ff')).toMatch('the header is no protobuf from byte 16 on');
    expect(refused('09300101 00000012 0000 00000000 0000 0aff')).toMatch('tRPC INIT frame: the INIT is no protobuf');
    expect(refused('09300000 01000001 0000 00000000 0000')).toMatch('16777217 bytes, by the length at byte 4');
    expect(refused('09300103 00020000 0000 00000000 0000')).toMatch('131072 bytes; it is a header');
  });

  test('a reply over the limit fails its call alone: it is swallowed, and the next one read', () => {
    const small = trpcProtocol({ maxMessageBytes: 100 }).open('upstream');
    const next = Buffer.concat(replyOf('go-unary').bytes);
    const large = Buffer.concat([next, Buffer.alloc(500)]);
    large.writeUInt32BE(large.length, 4);
    const input = new ByteQueue();
    const kinds: string[] = [];
    for (const byte of Buffer.concat([large, next])) {
      input.push(Buffer.of(byte));
      const message = small.decode(input);
      if (message !== null) kinds.push(`${message.kind} ${message.idLow} ${message.status}`);
    }
    expect(kinds).toEqual(['error 1 2', 'response 1 0']);
  });
});
