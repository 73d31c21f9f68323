import grpc from '@grpc/grpc-js';
import { echoService } from './grpc-echo.mjs';
import { digest, fails, host, noise, refusing, server, step } from './step.cjs';

const Echo = grpc.makeGenericClientConstructor(echoService, 'Echo');
const options = { 'grpc.max_receive_message_length': -1 };
const client = new Echo(`${host}:${server.grpc}`, grpc.credentials.createInsecure(), options);
const large = noise(5 << 20);

function unary(message, { of = client, ...callOptions } = {}) {
  return new Promise((resolve, reject) => {
    of.unary(Buffer.from(message), callOptions, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
}

await step('unary', async () => String(await unary('hello')));
await step('5 MiB', async () => digest(await unary(large)));
await step('many at once', async () =>
  (await Promise.all(Array.from({ length: 200 }, (_, i) => unary(String(i))))).map(String),
);
await step('stream', async () => {
  const call = client.stream();
  const replies = [];
  call.on('data', (reply) => replies.push(String(reply)));
  for (let i = 0; i < 100; i++) call.write(Buffer.from(`message ${i}`));
  call.end();
  await new Promise((resolve, reject) => call.once('end', resolve).once('error', reject));
  return replies;
});
await fails('server error', () => unary('fail'));
await step('deadline', async () => {
  try {
    await unary('silence', { deadline: Date.now() + 200 });
  } catch ({ code }) {
    return grpc.status[code]; // its text tells times
  }
  return 'answered';
});
await fails('connection refused', async () => {
  const nobody = new Echo(`${host}:${refusing}`, grpc.credentials.createInsecure());
  try {
    await unary('hello', { of: nobody });
  } finally {
    nobody.close();
  }
});
client.close();
