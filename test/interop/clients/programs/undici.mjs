import { Writable } from 'node:stream';
import { Client, Pool, request, stream } from 'undici';
import { digest, fails, host, noise, port, refusing, step } from './step.cjs';

const url = `http://${host}:${port}`;
const large = noise(5 << 20);
const pool = new Pool(url, { connections: 2, pipelining: 10 });

async function ask(path, options) {
  const { statusCode, body } = await pool.request({ path, method: 'GET', ...options });
  const content = Buffer.from(await body.arrayBuffer());
  return { statusCode, body: content.length > 1000 ? digest(content) : String(content) };
}

await step('get', () => ask('/', { headers: { 'x-tag': 'a' } }));
await step('post 5 MiB', () => ask('/', { method: 'POST', body: large }));
await step('stream 20 MiB', async () => {
  const chunks = [];
  const sink = new Writable({ write: (chunk, _encoding, done) => done(void chunks.push(chunk)) });
  await stream(`${url}/bytes?size=${20 << 20}`, { method: 'GET' }, () => sink);
  return digest(Buffer.concat(chunks));
});
await step('pipelined', async () =>
  (await Promise.all(Array.from({ length: 100 }, (_, i) => ask(`/${i}`)))).map(({ body }) => JSON.parse(body).path),
);
await step('upgrade', async () => {
  const client = new Client(url);
  const { socket } = await client.upgrade({ path: '/', protocol: 'echo' });
  socket.write('hello');
  const echo = await new Promise((resolve) => socket.once('data', resolve));
  socket.destroy();
  await client.destroy();
  return String(echo);
});
await step('not found', () => ask('/missing'));
await fails('headers timeout', async () => {
  const impatient = new Client(url, { headersTimeout: 200 });
  try {
    await impatient.request({ path: '/silence', method: 'GET' });
  } finally {
    await impatient.destroy();
  }
});
await fails('server hangs up', () => ask('/hang-up'));
await fails('connection refused', () => request(`http://${host}:${refusing}`));
await step('close', () => pool.close());
