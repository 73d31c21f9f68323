import { describe, expect, test } from '@jest/globals';
import { brpc } from '../../../../adapters/protocols/brpc/index.js';
import { ByteQueue, formatWireId, type Message } from '../../../../src/message/index.js';
import { bytesOf, decoded, frameBytes, type GoldenFrame, golden, goldenNames, readerOf } from './golden.js';

function attributesOf(message: Message): Record<string, string | undefined> {
  return Object.fromEntries([...message.keys()].map((key) => [key, message.get(key)]));
}

function described({ from, service, method, logId, headers, status }: GoldenFrame): Record<string, string> {
  const own =
    from === 'client'
      ? { service, method, log_id: logId === undefined ? undefined : String(logId) }
      : { error_text: status?.text };
  return Object.fromEntries(
    Object.entries({ ...own, ...headers }).filter(([, value]) => value !== undefined && value !== ''),
  ) as never;
}

const unary = goldenNames.filter((name) => name !== 'cpp-stream');

describe.each(unary)('%s', (name) => {
  const frames = golden(name).connections.flatMap((connection) =>
    connection.frames.map((frame, i) => ({ label: `${i} ${frame.type}`, frame, bytes: frameBytes(connection, frame) })),
  );

  test('every frame says what its description says', () => {
    expect(frames.length).toBeGreaterThan(0);
    for (const { label, frame, bytes } of frames) {
      const message = decoded(bytes, readerOf(frame.from));
      const isRequest = frame.from === 'client';
      const code = frame.status?.code ?? 0;
      expect({
        label,
        kind: message.kind,
        id: formatWireId(message),
        attributes: attributesOf(message),
        deadline: brpc.deadline!(message),
        status: message.status,
        operation: message.operation,
      }).toEqual({
        label,
        kind: isRequest ? 'request' : code === 0 ? 'response' : 'error',
        id: String(frame.id ?? 0),
        attributes: described(frame),
        deadline: isRequest ? frame.timeoutMs : undefined,
        status: isRequest ? undefined : String(code),
        operation: isRequest ? `${frame.service}/${frame.method}` : '',
      });
    }
  });

  test('every frame is encoded byte for byte, also after it had another id', () => {
    for (const { frame, bytes } of frames) {
      const side = readerOf(frame.from);
      const message = decoded(bytes, side);
      const codec = brpc.open(side);
      expect(Buffer.concat(codec.encode(message)).equals(bytes)).toBe(true);
      for (const idLow of [1, 300, 0x7fffffff]) {
        const arrived = decoded(Buffer.concat(codec.encode(message, { idHigh: 0, idLow })), side);
        expect([arrived.idHigh, arrived.idLow]).toEqual([0, idLow]);
        expect(Buffer.concat(codec.encode(arrived, message)).equals(bytes)).toBe(true);
      }
    }
  });

  test('the same messages are in the chunks as they came', () => {
    for (const connection of golden(name).connections) {
      for (const from of ['client', 'server'] as const) {
        const bytes = bytesOf(connection, from);
        const codec = brpc.open(readerOf(from));
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
