import { expect, test } from '@jest/globals';
import { Message } from '../../src/message/index.js';

const reader = { operation: () => '', get: () => undefined, keys: () => [] };
const of = (...bytes: Buffer[]) => new Message('request', bytes, reader);

test('unpin copies a frame out of a much larger chunk, once', () => {
  const chunk = Buffer.allocUnsafeSlow(65_536).fill(7);
  const message = of(chunk.subarray(100, 356));
  message.unpin();
  const copy = message.bytes[0]!;
  expect([copy.buffer === chunk.buffer, copy.length, copy.every((byte) => byte === 7)]).toEqual([false, 256, true]);
  message.unpin();
  expect(message.bytes[0]).toBe(copy);
});

test('unpin leaves what fills most of its chunk, and what lies in several', () => {
  const large = Buffer.allocUnsafeSlow(65_536).subarray(0, 40_000);
  for (const message of [of(large), of(large, large)]) {
    const { bytes } = message;
    message.unpin();
    expect(message.bytes).toBe(bytes);
  }
});
