import { RequestEncoder } from '../../adapters/protocols/dubbo/client/request.js';
import { dubbo } from '../../adapters/protocols/dubbo/index.js';
import { ByteQueue, type Message } from '../../src/message/index.js';

/** Frames as a Java Dubbo 2.7 consumer and its provider write them. */

export const INTERFACE = 'org.apache.dubbo.samples.basic.api.DemoService';

const encoder = new RequestEncoder({
  interface: INTERFACE,
  version: undefined,
  group: undefined,
  application: 'demo-consumer',
  dubboVersion: '2.0.2',
});

/** A request of `sayHello`, or another method. @param bytes - length of its argument */
export function requestFrame(bytes = 20, method = 'sayHello'): Buffer {
  const args = [bytes > 1000 ? Buffer.alloc(bytes, 7) : 'x'.repeat(bytes)];
  return encoder.encode({
    method,
    args,
    types: undefined,
    attachments: undefined,
    timeoutMs: undefined,
    oneway: false,
  });
}

/** Status 20, a value and no attachments; its id is 0 until it is set. */
export function replyFrame(bytes = 20): Buffer {
  const value = Buffer.concat([Buffer.of(0x53, bytes >> 8, bytes & 0xff), Buffer.alloc(bytes & 0xffff, 0x78)]);
  const body = Buffer.concat([Buffer.of(0x91), value]);
  const head = Buffer.from('dabb021400000000000000000000000000', 'hex').subarray(0, 16);
  head.writeInt32BE(body.length, 12);
  return Buffer.concat([head, body]);
}

/** As a typed client makes a message of what it wrote. */
export function decoded(frame: Buffer): Message {
  queue.push(frame);
  return codec.decode(queue)!;
}

const codec = dubbo.open('downstream');
const queue = new ByteQueue();
