import { once } from 'node:events';
import { Redis } from 'ioredis';
import { digest, fails, host, noise, port, refusing, step, told } from './step.cjs';

const redis = new Redis({ host, port });
const large = noise(5 << 20);

await step('set and get', async () => [await redis.set('greeting', 'hello'), await redis.get('greeting')]);
await step('5 MiB', async () => {
  await redis.set('large', large);
  return digest(await redis.getBuffer('large'));
});
await step('pipeline', async () => {
  const pipeline = redis.pipeline();
  for (let i = 0; i < 1000; i++) pipeline.set(`key${i}`, i).get(`key${i}`);
  return digest(JSON.stringify(await pipeline.exec()));
});
await step('transaction', () => redis.multi().set('n', 0).incr('n').incr('n').exec());
await fails('server error', () => redis.hget('greeting', 'field'));
await step('publish and subscribe', async () => {
  const subscriber = redis.duplicate();
  await subscriber.subscribe('news');
  const message = once(subscriber, 'message');
  await redis.publish('news', 'of the day');
  const heard = await message;
  await subscriber.quit();
  return heard;
});
await step('blocked, then disconnected', async () => {
  const blocked = redis.duplicate();
  const popped = blocked.blpop('nothing', 0).catch(told);
  await once(blocked, 'ready');
  await new Promise(setImmediate);
  blocked.disconnect();
  return popped;
});
await step('socket timeout', async () => {
  const idle = redis.duplicate({ socketTimeout: 200, retryStrategy: null });
  const error = once(idle, 'error');
  const popped = idle.blpop('nothing', 0).catch(told);
  return [told((await error)[0]), await popped];
});
await step('connection refused', async () => {
  const nobody = new Redis({ host, port: refusing, retryStrategy: null, lazyConnect: true });
  const error = once(nobody, 'error');
  const connected = nobody.connect().catch(told);
  return [told((await error)[0]), await connected];
});
await step('quit', () => redis.quit());
