import { describe, expect, test } from '@jest/globals';
import { dubbo } from '../../../../adapters/protocols/dubbo/index.js';
import type { Message, MessageKind } from '../../../../src/message/index.js';
import { bytesOf, decoded, framesOf, type GoldenFrame, goldenEntries, goldenFiles } from './golden.js';

const OWN = new Set(['interface', 'method', 'version']);

function kindOf({ header, body }: GoldenFrame): MessageKind {
  if (header.event) return body?.data === 'R' ? 'event' : 'heartbeat';
  if (header.request) return header.twoWay ? 'request' : 'oneway';
  return header.status === 20 && body?.kind !== 0 && body?.kind !== 3 ? 'response' : 'error';
}

function attributesOf(message: Message): Record<string, string | undefined> {
  return Object.fromEntries([...message.keys()].map((key) => [key, message.get(key)]));
}

describe.each(goldenFiles)('%s', (file) => {
  const frames = goldenEntries(file).flatMap((entry) =>
    framesOf(entry).map((frame, i) => ({ name: `${entry.name} ${i}`, frame })),
  );
  const described = frames.filter(({ frame }) => frame.header.serialization === 2);

  test('every frame is encoded byte for byte', () => {
    expect(frames.length).toBeGreaterThan(0);
    for (const { name, frame } of frames) {
      const bytes = bytesOf(frame);
      expect({ name, bytes: Buffer.concat(dubbo.open('upstream').encode(decoded(bytes))) }).toEqual({ name, bytes });
    }
  });

  test('every header is what its description says', () => {
    for (const { name, frame } of frames) {
      const message = decoded(bytesOf(frame));
      expect({
        name,
        id: dubbo.formatId!(message),
        flags: message.tag & 0xff,
        status: message.status ?? '0',
        bodyLength: message.size - 16,
      }).toEqual({
        name,
        id: frame.header.id,
        flags: frame.header.flags,
        status: String(frame.header.status),
        bodyLength: frame.header.bodyLength,
      });
    }
  });

  test('every Hessian body is what its description says', () => {
    for (const { name, frame } of described) {
      const message = decoded(bytesOf(frame));
      const { body } = frame;
      expect({ name, kind: message.kind }).toEqual({ name, kind: kindOf(frame) });
      const own =
        body?.path === undefined
          ? {}
          : { interface: body.path, method: body.method, version: body.version === '' ? '0.0.0' : body.version };
      const attachments = Object.entries(body?.attachments ?? {}).filter(
        ([key, value]) => typeof value === 'string' && !(OWN.has(key) && body?.path !== undefined),
      );
      expect({ name, attributes: attributesOf(message) }).toEqual({
        name,
        attributes: { ...own, ...Object.fromEntries(attachments) },
      });
      if (body?.path !== undefined) expect(message.operation).toBe(`${body.path}/${body.method}`);
    }
  });
});
