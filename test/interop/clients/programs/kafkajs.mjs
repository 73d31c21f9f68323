import kafkajs from 'kafkajs';
import { digest, fails, host, noise, port, refusing, step } from './step.cjs';

const { Kafka, logLevel } = kafkajs;
const kafka = new Kafka({ brokers: [`${host}:${port}`], logLevel: logLevel.NOTHING, retry: { retries: 3 } });
// Whoever has asked before has left messages in the mock cluster.
const topic = `topic-${process.pid}`;
const large = noise(900_000);

await step('produce', async () => {
  const producer = kafka.producer();
  await producer.connect();
  const messages = Array.from({ length: 30 }, (_, i) => ({ key: `key${i}`, value: `value ${i}`, partition: i % 3 }));
  const sent = await producer.send({ topic, messages: [...messages, { key: 'large', value: large, partition: 0 }] });
  await producer.disconnect();
  return sent.map(({ partition, errorCode }) => [partition, errorCode]).sort();
});
await step('brokers', async () => {
  const admin = kafka.admin();
  await admin.connect();
  const { brokers } = await admin.describeCluster();
  await admin.disconnect();
  return brokers.length;
});
await step('consume as a group', async () => {
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const seen = [];
  await new Promise((resolve) => {
    consumer.run({
      async eachMessage({ partition, message }) {
        seen.push([String(message.key), partition, digest(message.value)]);
        if (seen.length === 31) resolve();
      },
    });
  });
  await consumer.disconnect();
  return seen.sort();
});
await fails('what these brokers do not speak', async () => {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.deleteTopics({ topics: [topic] });
  } finally {
    await admin.disconnect();
  }
});
await fails('connection refused', async () => {
  const nobody = new Kafka({ brokers: [`${host}:${refusing}`], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  await nobody.producer().connect();
});
