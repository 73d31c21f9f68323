import { expect, test } from '@jest/globals';
import { StreamExchange, type StreamOwner } from '../../src/connection/downstream/stream-exchange.js';
import { type AttributeReader, Message } from '../../src/message/index.js';

const reader: AttributeReader = { operation: () => '', get: () => undefined, keys: () => [] };
const message = (kind: Message['kind'], bytes: number) => new Message(kind, [Buffer.alloc(bytes)], reader);

test('what waits is counted as it takes memory, also where messages have hardly a byte of their own', () => {
  let waiting = 0;
  const nothing = () => {};
  const owner: StreamOwner = {
    ...{ answered: nothing, failed: nothing, streamed: nothing, dropped: nothing },
    waiting: (bytes) => {
      waiting += bytes;
    },
  };
  const stream = new StreamExchange(owner, message('stream-open', 100));
  for (let i = 0; i < 1000; i++) stream.push(message('stream-data', 1));
  expect(waiting).toBeGreaterThan(200_000);
  expect(stream.requestBytes).toBe(waiting);
  stream.abandon();
  expect([waiting, stream.requestBytes]).toEqual([0, 0]);
});
