import { MongoClient } from 'mongodb';
import { digest, fails, host, noise, port, refusing, step } from './step.cjs';

const url = `mongodb://${host}:${port}`;
const client = new MongoClient(url, { directConnection: true });
const collection = client.db('demo').collection(`notes-${process.pid}`);
const large = noise(5 << 20);

await step('connect', async () => {
  await client.connect();
  return client.db('admin').command({ ping: 1 });
});
await step('insert and find', async () => {
  await collection.insertMany(Array.from({ length: 250 }, (_, _id) => ({ _id, text: `note ${_id}` })));
  return digest(JSON.stringify(await collection.find({}).toArray()));
});
await step('5 MiB', async () => {
  await collection.insertOne({ _id: 'large', body: large });
  const found = await collection.findOne({ _id: 'large' });
  return digest(found.body.buffer);
});
await step('many at once', async () =>
  (await Promise.all(Array.from({ length: 50 }, (_, _id) => collection.findOne({ _id })))).map(({ text }) => text),
);
await fails('duplicate key', () => collection.insertOne({ _id: 1 }));
await fails('server error', () => client.db('demo').command({ fail: 1 }));
await fails('socket timeout', async () => {
  const impatient = new MongoClient(url, { directConnection: true, socketTimeoutMS: 200, retryReads: false });
  try {
    await impatient.db('demo').command({ silence: 1 });
  } finally {
    await impatient.close();
  }
});
await fails('connection refused', async () => {
  const nobody = new MongoClient(`mongodb://${host}:${refusing}`, {
    directConnection: true,
    serverSelectionTimeoutMS: 300,
  });
  await nobody.connect();
});
await step('close', () => client.close());
