import { createClient, RESP_TYPES } from 'redis';
import { digest, fails, host, noise, port, refusing, step, told } from './step.cjs';

const client = createClient({ socket: { host, port } });
client.on('error', () => {});
const large = noise(5 << 20);

await step('connect', async () => (await client.connect()).isReady);
await step('set and get', async () => [await client.set('greeting', 'hello'), await client.get('greeting')]);
await step('5 MiB', async () => {
  await client.set('large', large);
  return digest(await client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).get('large'));
});
await step('pipeline', async () =>
  digest(JSON.stringify(await Promise.all(Array.from({ length: 1000 }, (_, i) => client.set(`key${i}`, i))))),
);
await step('transaction', () => client.multi().set('n', 0).incr('n').incr('n').exec());
await fails('server error', () => client.hGet('greeting', 'field'));
await step('publish and subscribe', async () => {
  const subscriber = client.duplicate();
  await subscriber.connect();
  const message = new Promise((resolve) => subscriber.subscribe('news', (...heard) => resolve(heard)));
  while ((await client.publish('news', 'of the day')) === 0);
  const heard = await message;
  await subscriber.close();
  return heard;
});
await step('socket timeout', async () => {
  const idle = client.duplicate({ socket: { host, port, socketTimeout: 200, reconnectStrategy: false } });
  const error = new Promise((resolve) => idle.once('error', resolve));
  await idle.connect();
  const popped = idle.blPop('nothing', 0).catch(told);
  return [told(await error), await popped];
});
await fails('connection refused', async () => {
  const nobody = createClient({ socket: { host, port: refusing, reconnectStrategy: false } });
  nobody.on('error', () => {});
  await nobody.connect();
});
await step('close', async () => void (await client.close()));
