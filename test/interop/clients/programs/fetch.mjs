import { digest, fails, host, noise, port, refusing, step } from './step.cjs';

const url = `http://${host}:${port}`;
const large = noise(5 << 20);

/** What fetch tells of an answer. */
async function ask(path, options) {
  const response = await fetch(`${url}${path}`, options);
  const body = Buffer.from(await response.arrayBuffer());
  return { status: response.status, type: response.type, body: body.length > 1000 ? digest(body) : String(body) };
}

await step('get', () => ask('/', { headers: { 'x-tag': 'a' } }));
await step('post 5 MiB', () => ask('/', { method: 'POST', body: large }));
await step('post a stream', () => {
  const body = new ReadableStream({
    start(controller) {
      for (let i = 0; i < 100; i++) controller.enqueue(large.subarray(i * 1000, i * 1000 + 1000));
      controller.close();
    },
  });
  return ask('/', { method: 'POST', body, duplex: 'half' });
});
await step('get 20 MiB', () => ask(`/bytes?size=${20 << 20}`));
await step('many at once', async () =>
  (await Promise.all(Array.from({ length: 50 }, (_, i) => ask(`/${i}`)))).map(({ body }) => JSON.parse(body).path),
);
await step('not found', () => ask('/missing'));
await fails('abort', () => ask('/silence', { signal: AbortSignal.timeout(200) }));
await fails('server hangs up', () => ask('/hang-up'));
await fails('connection refused', () => fetch(`http://${host}:${refusing}`));
