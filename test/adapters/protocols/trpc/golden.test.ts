import { describe, expect, test } from '@jest/globals';
import { trpc } from '../../../../adapters/protocols/trpc/index.js';
import { ByteQueue, type Message, type MessageKind } from '../../../../src/message/index.js';
import { bytesOf, decoded, frameBytes, type GoldenFrame, golden, goldenNames, readerOf } from './golden.js';

function kindOf({ type, from, status, oneway, closeType }: GoldenFrame): MessageKind {
  switch (type) {
    case 'request':
      return oneway ? 'oneway' : 'request';
    case 'response':
      return status!.ret === 0 && status!.funcRet === 0 ? 'response' : 'error';
    case 'stream-init':
      return from === 'client' ? 'stream-open' : status!.ret === 0 ? 'stream-data' : 'stream-close';
    case 'stream-close':
      return from === 'client' && closeType!.startsWith('half') ? 'stream-end' : 'stream-close';
    default:
      return 'stream-data';
  }
}

function attributesOf(message: Message): Record<string, string | undefined> {
  return Object.fromEntries([...message.keys()].map((key) => [key, message.get(key)]));
}

/** What the description says of the attributes; values that are no text are none. Of a stream's end it leaves out the pairs. */
function described(name: string, frame: GoldenFrame): Record<string, string> {
  const { caller, service, method, status, closeType } = frame;
  const trailers = name === 'go-stream-metadata' && closeType?.startsWith('half') && frame.from === 'server';
  const headers = trailers ? { 'user-id': 'u-17' } : (frame.headers ?? {});
  const own = { caller, callee: service, func: method, error_msg: status?.errorMsg || status?.msg };
  const pairs = Object.entries(headers).filter(
    ([, value]) => !value.startsWith('base64:AP') && value !== 'base64:AAEC/w==',
  );
  const all = [...Object.entries(own), ...pairs].filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(all) as Record<string, string>;
}

describe.each(goldenNames)('%s', (name) => {
  const frames = golden(name).connections.flatMap((connection) =>
    connection.frames.map((frame, i) => ({ label: `${i} ${frame.type}`, frame, bytes: frameBytes(connection, frame) })),
  );

  test('every frame says what its description says', () => {
    expect(frames.length).toBeGreaterThan(0);
    for (const { label, frame, bytes } of frames) {
      const message = decoded(bytes, readerOf(frame.from));
      const unary = frame.id !== undefined;
      expect({
        label,
        kind: message.kind,
        ids: [message.idHigh >>> 0, message.idLow >>> 0],
        attributes: attributesOf(message),
        deadline: trpc.deadline!(message),
      }).toEqual({
        label,
        kind: kindOf(frame),
        ids: unary ? [frame.streamId, frame.id] : [0, frame.streamId],
        attributes: described(name, frame),
        deadline: frame.timeoutMs,
      });
      if (frame.type === 'response') {
        const { ret, funcRet } = frame.status!;
        expect(message.status).toBe(funcRet === 0 ? String(ret) : `${ret}/${funcRet}`);
      }
      if (frame.method !== undefined) expect(message.operation).toBe(frame.method.slice(1));
    }
  });

  test('every frame is encoded byte for byte, also after it had another id', () => {
    for (const { frame, bytes } of frames) {
      const side = readerOf(frame.from);
      const message = decoded(bytes, side);
      const codec = trpc.open(side);
      expect(Buffer.concat(codec.encode(message)).equals(bytes)).toBe(true);
      for (const idLow of [0x7fffffff, 1, 300]) {
        const sent = Buffer.concat(codec.encode(message, { idHigh: 0, idLow }));
        const arrived = decoded(sent, side);
        expect([arrived.idHigh, arrived.idLow]).toEqual([0, idLow]);
        expect(Buffer.concat(codec.encode(arrived, message)).equals(bytes)).toBe(true);
      }
    }
  });

  test('the same messages are in the chunks as they came', () => {
    for (const connection of golden(name).connections) {
      for (const from of ['client', 'server'] as const) {
        const bytes = bytesOf(connection, from);
        const codec = trpc.open(readerOf(from));
        const input = new ByteQueue();
        const sizes: number[] = [];
        let at = 0;
        for (const [side, length] of connection.chunks) {
          if (side !== from[0] || length === undefined) continue;
          input.push(bytes.subarray(at, at + length));
          at += length;
          for (let it = codec.decode(input); it !== null; it = codec.decode(input)) sizes.push(it.size);
        }
        expect(input.length).toBe(0);
        expect(sizes).toEqual(connection.frames.filter((it) => it.from === from).map((it) => it.length));
      }
    }
  });
});
