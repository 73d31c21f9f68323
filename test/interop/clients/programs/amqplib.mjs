import { once } from 'node:events';
import amqp from 'amqplib';
import { digest, fails, host, noise, port, refusing, step, told } from './step.cjs';

const url = `amqp://guest:guest@${host}:${port}`;
const connection = await amqp.connect(url);
const channel = await connection.createConfirmChannel();
const exchange = `news-${process.pid}`;
const large = noise(5 << 20);

/** @returns the next `count` messages of the queue. */
async function consume(queue, count) {
  const messages = [];
  await new Promise((resolve) => {
    channel.consume(queue, (message) => {
      messages.push(message.content);
      channel.ack(message);
      if (messages.length === count) resolve(channel.cancel(message.fields.consumerTag));
    });
  });
  return messages;
}

const { queue } = await channel.assertQueue('', { exclusive: true });
await step('publish and consume', async () => {
  for (let i = 0; i < 200; i++) channel.sendToQueue(queue, Buffer.from(`message ${i}`));
  await channel.waitForConfirms();
  return (await consume(queue, 200)).map(String);
});
await step('5 MiB', async () => {
  channel.sendToQueue(queue, large);
  await channel.waitForConfirms();
  const [message] = await consume(queue, 1);
  return digest(message);
});
await step('topics', async () => {
  await channel.assertExchange(exchange, 'topic', { autoDelete: true });
  await channel.bindQueue(queue, exchange, 'of.*');
  channel.publish(exchange, 'of.today', Buffer.from('heard'));
  channel.publish(exchange, 'yesterday', Buffer.from('not heard'));
  return (await consume(queue, 1)).map(String);
});
await step('server error', async () => {
  const doomed = await connection.createChannel();
  const error = once(doomed, 'error');
  const checked = await doomed.checkQueue('nobody').catch(told);
  return [checked, told((await error)[0])];
});
await step('heartbeat', async () => {
  const lively = await amqp.connect(`${url}?heartbeat=1`);
  const { queue: own } = await (await lively.createChannel()).assertQueue('', { exclusive: true });
  await lively.close();
  return typeof own;
});
await fails('wrong password', () => amqp.connect(`amqp://guest:wrong@${host}:${port}`));
await fails('connection refused', () => amqp.connect(`amqp://${host}:${refusing}`));
await step('close', () => connection.close());
