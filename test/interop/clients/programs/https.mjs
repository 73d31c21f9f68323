import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import { digest, fails, host, noise, refusing, server, step } from './step.cjs';

const ca = readFileSync(new URL('../../../support/certificates/root.pem', import.meta.url));
const large = noise(5 << 20);

function ask(path, { body, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const request = https.request(
      { host, port: server.tls, path, ca, servername: 'aeraki', ...options },
      async (response) => {
        const { authorized } = response.socket;
        const content = Buffer.concat(await response.toArray());
        resolve({
          authorized,
          status: response.statusCode,
          body: content.length > 1000 ? digest(content) : String(content),
        });
      },
    );
    request.once('error', reject);
    request.end(body);
  });
}

await step('get', () => ask('/'));
await step('post 5 MiB', () => ask('/', { method: 'POST', body: large }));
await step('get 20 MiB', () => ask(`/bytes?size=${20 << 20}`));
await fails('unknown authority', () => ask('/', { ca: undefined }));
await fails('server hangs up', () => ask('/hang-up'));
await fails('connection refused', () => ask('/', { port: refusing }));
await fails('http2 over TLS, refused', async () => {
  const session = http2.connect(`https://${host}:${refusing}`, { ca });
  await new Promise((_resolve, reject) => session.once('error', reject));
});
