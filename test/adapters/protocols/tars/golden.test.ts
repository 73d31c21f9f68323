import { describe, expect, test } from '@jest/globals';
import { tars } from '../../../../adapters/protocols/tars/index.js';
import { ByteQueue, type Message, type MessageKind } from '../../../../src/message/index.js';
import { bytesOf, decoded, frameBytes, type GoldenFrame, golden, goldenNames, readerOf } from './golden.js';

function kindOf({ type, status }: GoldenFrame): MessageKind {
  return type === 'response' && status!.ret !== 0 ? 'error' : type;
}

function attributesOf(message: Message): Record<string, string | undefined> {
  return Object.fromEntries([...message.keys()].map((key) => [key, message.get(key)]));
}

function described({ service, method, headers, status }: GoldenFrame): Record<string, string> {
  const all = { servant: service, func: method, ...headers, desc: status?.desc };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== '')) as never;
}

describe.each(goldenNames)('%s', (name) => {
  const frames = golden(name).connections.flatMap((connection) =>
    connection.frames.map((frame, i) => ({ label: `${i} ${frame.type}`, frame, bytes: frameBytes(connection, frame) })),
  );

  test('every frame says what its description says', () => {
    expect(frames.length).toBeGreaterThan(0);
    for (const { label, frame, bytes } of frames) {
      const message = decoded(bytes, readerOf(frame.from));
      const isRequest = frame.from === 'client';
      expect({
        label,
        kind: message.kind,
        id: message.idLow,
        attributes: attributesOf(message),
        deadline: tars.deadline!(message),
        status: message.status,
        operation: message.operation,
      }).toEqual({
        label,
        kind: kindOf(frame),
        id: frame.id,
        attributes: described(frame),
        deadline: isRequest ? frame.timeoutMs || undefined : undefined,
        status: isRequest ? undefined : String(frame.status!.ret),
        operation: frame.service === undefined ? '' : `${frame.service}/${frame.method}`,
      });
    }
  });

  test('every frame is encoded byte for byte, also after it had another id', () => {
    for (const { frame, bytes } of frames) {
      const side = readerOf(frame.from);
      const message = decoded(bytes, side);
      const codec = tars.open(side);
      expect(Buffer.concat(codec.encode(message)).equals(bytes)).toBe(true);
      for (const idLow of [0, 1, 300, 70_000, 0x7fffffff, -1]) {
        const sent = Buffer.concat(codec.encode(message, { idHigh: 0, idLow }));
        const arrived = decoded(sent, side);
        expect(arrived.idLow).toBe(idLow);
        expect(Buffer.concat(codec.encode(arrived, message)).equals(bytes)).toBe(true);
      }
    }
  });

  test('the same messages are in the chunks as they came', () => {
    for (const connection of golden(name).connections) {
      for (const from of ['client', 'server'] as const) {
        const bytes = bytesOf(connection, from);
        const codec = tars.open(readerOf(from));
        const input = new ByteQueue();
        const seen: object[] = [];
        let at = 0;
        for (const [side, length] of connection.chunks) {
          if (side !== from[0] || length === undefined) continue;
          input.push(bytes.subarray(at, at + length));
          at += length;
          for (let it = codec.decode(input); it !== null; it = codec.decode(input))
            seen.push([it.size, attributesOf(it)]);
        }
        expect(input.length).toBe(0);
        const wanted = connection.frames.filter((it) => it.from === from);
        expect(seen).toEqual(wanted.map((it) => [it.length, described(it)]));
      }
    }
  });
});
