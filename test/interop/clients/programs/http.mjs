import { once } from 'node:events';
import http from 'node:http';
import { digest, fails, host, noise, port, refusing, step } from './step.cjs';

const large = noise(5 << 20);

/** One request, of which everything that an application can see is told. */
function ask(path, { body, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, path, ...options }, async (response) => {
      const chunks = await response.toArray().catch(reject);
      const content = Buffer.concat(chunks ?? []);
      const { statusCode, statusMessage, headers } = response;
      delete headers.date;
      resolve({ statusCode, statusMessage, headers, body: content.length > 1000 ? digest(content) : String(content) });
    });
    request.once('timeout', () => request.destroy(new Error('timed out')));
    request.once('error', reject);
    request.end(body);
  });
}

await step('get', () => ask('/', { headers: { 'x-tag': 'a' } }));
await step('post 5 MiB', () => ask('/', { method: 'POST', body: large }));
await step('get 20 MiB', () => ask(`/bytes?size=${20 << 20}`));
await step('keep-alive', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
  const sockets = new Set();
  agent.on('free', (socket) => sockets.add(socket));
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(`/${i}`, { agent })));
  agent.destroy();
  return [answers.map(({ body }) => JSON.parse(body).path), sockets.size];
});
await step('expect 100-continue', async () => {
  const request = http.request({ host, port, method: 'POST', headers: { expect: '100-continue' } });
  request.flushHeaders();
  await once(request, 'continue');
  request.end('continued');
  const [response] = await once(request, 'response');
  return JSON.parse(Buffer.concat(await response.toArray()));
});
await step('upgrade', async () => {
  const request = http.request({ host, port, headers: { connection: 'Upgrade', upgrade: 'echo' } }).end();
  const [response, socket] = await once(request, 'upgrade');
  socket.write('hello');
  const [echo] = await once(socket, 'data');
  socket.end();
  return [response.statusCode, String(echo)];
});
await step('not found', () => ask('/missing'));
await fails('idle timeout', () => ask('/silence', { timeout: 200 }));
await fails('abort', () => ask('/silence', { signal: AbortSignal.timeout(200) }));
await fails('server hangs up', () => ask('/hang-up'));
await fails('connection refused', () => ask('/', { port: refusing }));
