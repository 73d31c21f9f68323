import { describe, expect, test } from '@jest/globals';
import { dubbo, dubboProtocol } from '../../../../adapters/protocols/dubbo/index.js';
import { ByteQueue, type Message, Mutation, type Protocol, ProtocolError } from '../../../../src/message/index.js';
import { goldenEntries, goldenFiles } from './golden.js';

/** What becomes of chunks that a client wrote: messages, and whether the connection had to end. */
function read(
  chunks: readonly string[],
  protocol: Protocol = dubbo,
): { messages: Message[]; refused: string | undefined; held: number } {
  const codec = protocol.open('downstream');
  const input = new ByteQueue();
  const messages: Message[] = [];
  try {
    for (const chunk of chunks) {
      input.push(Buffer.from(chunk, 'base64'));
      for (let message = codec.decode(input); message !== null; message = codec.decode(input)) messages.push(message);
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { messages, refused: error.message, held: input.length };
  }
  return { messages, refused: undefined, held: input.length };
}

/** What a real provider meets with silence, on a connection that stays open for ever. */
const REFUSED = new Map([
  ['wrong-magic-then-request', 'not Dubbo: byte 0 of the frame is 0x00, magic is 0xdabb'],
  ['negative-length', 'Dubbo frame: body length at byte 12 is negative (-1)'],
  ['too-large', 'Dubbo frame: 9437200 bytes, by the length at byte 12; the limit is 8388608'],
]);

describe.each(goldenFiles.filter((it) => it.startsWith('streams')))('%s', (file) => {
  const streams = goldenEntries(file).map((it) => ({ ...it, short: it.name.split('/')[1]! }));

  test.each(streams)('$short', ({ short, sentChunks, received }) => {
    const { messages, refused, held } = read(sentChunks!, dubboProtocol({ maxMessageBytes: 8 * 1024 * 1024 }));
    expect(refused).toBe(REFUSED.get(short));
    if (refused !== undefined) return;
    expect(held).toBe(0);
    // Every message that a real provider answered is there to be answered, bad bodies included.
    const ids = messages.map((it) => dubbo.formatId!(it));
    expect(ids).toEqual(expect.arrayContaining(received!.map((it) => it.header.id)));
    for (const message of messages) {
      const sent = Buffer.concat(dubbo.open('upstream').encode(message));
      expect(Buffer.concat(sentChunks!.map((it) => Buffer.from(it, 'base64'))).includes(sent)).toBe(true);
      expect(() => [...message.keys()].map((key) => message.get(key))).not.toThrow();
    }
  });

  test('requests with bad bodies are routed by what can be read of them', () => {
    for (const short of ['garbled-argument', 'no-attachments', 'body-cut-in-argument']) {
      const [message] = read(streams.find((it) => it.short === short)!.sentChunks!).messages;
      expect(message!.operation).toBe('org.apache.dubbo.samples.basic.api.DemoService/sayHello');
      expect(message!.get('timeout')).toBeUndefined();
    }
    for (const short of ['serialization-id-unknown', 'serialization-id-of-another']) {
      const [message] = read(streams.find((it) => it.short === short)!.sentChunks!).messages;
      expect([message!.kind, message!.operation, [...message!.keys()]]).toEqual(['request', '', []]);
    }
  });

  test('heartbeats are answered as real providers answer, and where those are mute', () => {
    for (const short of ['heartbeat-request', 'heartbeat-empty-body']) {
      const stream = streams.find((it) => it.short === short)!;
      const [message] = read(stream.sentChunks!).messages;
      expect(message!.kind).toBe('heartbeat');
      const answer = Buffer.concat(dubbo.open('downstream').answer!(message!) as Buffer[]);
      const real = stream.received!.find((it) => it.header.status === 20);
      const expected = real?.base64 ?? Buffer.from('dabb2214000000000000006c000000014e', 'hex').toString('base64');
      expect(answer.toString('base64')).toBe(expected);
    }
    const [oneway] = read(streams.find((it) => it.short === 'heartbeat-one-way')!.sentChunks!).messages;
    expect([oneway!.kind, dubbo.open('downstream').answer!(oneway!)]).toEqual(['heartbeat', undefined]);
  });

  test('attributes are set where attachments are empty or null', () => {
    for (const short of ['empty-attachments', 'null-attachments']) {
      const [message] = read(streams.find((it) => it.short === short)!.sentChunks!).messages;
      const sent = dubbo.open('upstream').encode(message!, undefined, new Mutation().set('k', 'v'));
      expect(read([Buffer.concat(sent).toString('base64')]).messages[0]!.get('k')).toBe('v');
    }
  });
});
