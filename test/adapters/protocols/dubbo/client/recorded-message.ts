import { dubbo } from '../../../../../adapters/protocols/dubbo/index.js';
import { ByteQueue, type Message } from '../../../../../src/message/index.js';

/** A recorded reply, as the codec reads it. */
export function asMessage(base64: string): Message {
  const queue = new ByteQueue();
  queue.push(Buffer.from(base64, 'base64'));
  return dubbo.open('upstream').decode(queue)!;
}
