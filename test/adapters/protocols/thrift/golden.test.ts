import { describe, expect, test } from '@jest/globals';
import { thrift } from '../../../../adapters/protocols/thrift/index.js';
import { ByteQueue, type Message } from '../../../../src/message/index.js';
import { decoded, type GoldenFrame, goldenExchanges, recorded } from './golden.js';

const KINDS = { call: 'request', oneway: 'oneway', exception: 'error' } as const;

function kindOf(frame: GoldenFrame): string {
  if (frame.type !== 'reply') return KINDS[frame.type];
  return frame.status?.ok === false ? 'error' : 'response';
}

function statusOf(frame: GoldenFrame): string {
  if (frame.type === 'reply') return frame.status?.ok === false ? 'business' : 'ok';
  return frame.type === 'exception' ? 'framework' : 'ok';
}

/** The type of a TApplicationException; a missing one is 0. */
function applicationError({ type, status }: GoldenFrame): string | undefined {
  if (type !== 'exception') return undefined;
  const fields = status!.fields! as { '2:i32'?: number; 2?: { i32: number } };
  return String(fields['2:i32'] ?? fields[2]?.i32 ?? 0);
}

function attributesOf(message: Message): Record<string, string | undefined> {
  return Object.fromEntries([...message.keys()].map((key) => [key, message.get(key)]));
}

const sideOf = ({ from }: GoldenFrame) => (from === 'client' ? 'downstream' : 'upstream');

test('the recordings are all there', () => {
  expect(goldenExchanges).toHaveLength(141);
  expect(recorded).toHaveLength(375);
  expect(new Set(recorded.map(({ variant }) => `${variant.transport} ${variant.protocol}`)).size).toBe(6);
});

describe('every recorded message', () => {
  test('is what its description says', () => {
    for (const { name, frame, bytes } of recorded) {
      const message = decoded(bytes, sideOf(frame));
      const { method, service, headers } = frame;
      expect({
        name,
        kind: message.kind,
        id: thrift.formatId!(message),
        operation: message.operation,
        attributes: attributesOf(message),
        applicationError: message.status,
        status: thrift.classify!(message),
      }).toEqual({
        name,
        kind: kindOf(frame),
        id: String(frame.id),
        operation: service === undefined ? method : `${service}/${method}`,
        attributes: { method, ...(service && { service }), ...headers },
        applicationError: applicationError(frame),
        status: statusOf(frame),
      });
      expect(thrift.serviceKeys!(message)).toEqual(service === undefined ? [] : [service]);
    }
  });

  test('is encoded byte for byte, and so is it when another id is restored', () => {
    for (const { name, frame, bytes } of recorded) {
      const codec = thrift.open(sideOf(frame));
      const message = decoded(bytes, sideOf(frame));
      expect({ name, same: Buffer.concat(codec.encode(message)).equals(bytes) }).toEqual({ name, same: true });
      if (frame.header?.transforms.length) continue;
      for (const idLow of [1, 200, 0x7fffffff]) {
        const sent = Buffer.concat(codec.encode(message, { idHigh: 0, idLow }));
        const arrived = decoded(sent, sideOf(frame));
        expect({ name, id: arrived.idLow }).toEqual({ name, id: idLow });
        expect(attributesOf(arrived)).toEqual(attributesOf(message));
        expect({ name, same: Buffer.concat(codec.encode(arrived, message)).equals(bytes) }).toEqual({
          name,
          same: true,
        });
      }
    }
  });
});

test('connections give the same messages in the pieces in which they arrived', () => {
  for (const { name, connections } of goldenExchanges) {
    for (const { clientBytes, serverBytes, chunks, frames } of connections) {
      for (const from of ['client', 'server'] as const) {
        const bytes = Buffer.from(from === 'client' ? clientBytes : serverBytes, 'base64');
        const codec = thrift.open(from === 'client' ? 'downstream' : 'upstream');
        const queue = new ByteQueue();
        const lengths: number[] = [];
        let at = 0;
        for (const [who, length = 0] of chunks) {
          if (who !== from[0]) continue;
          queue.push(bytes.subarray(at, at + length));
          at += length;
          for (let it = codec.decode(queue); it !== null; it = codec.decode(queue)) lengths.push(it.size);
        }
        expect({ name, at, left: queue.length, lengths }).toEqual({
          name,
          at: bytes.length,
          left: 0,
          lengths: frames.filter((it) => it.from === from).map(({ length }) => length),
        });
      }
    }
  }
});
