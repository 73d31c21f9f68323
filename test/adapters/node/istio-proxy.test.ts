import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { openHealth } from '../../../adapters/hosts/sidecar/health.js';
import { istioProxy } from '../../../adapters/node/istio-proxy.js';

const servers: (Server | TcpServer)[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listening(server: Server | TcpServer): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

const http = (answer: RequestListener) => listening(createServer(answer));

test.each([
  [200, true],
  [503, true],
  [404, false],
])('a health check that answers %i: %s', async (status, there) => {
  let asked = '';
  const port = await http((request, response) => {
    asked = request.url!;
    response.writeHead(status).end('x'.repeat(100_000));
  });
  expect(await istioProxy(port)).toBe(there);
  expect(asked).toBe('/healthz/ready');
});

test('an answer that comes in pieces', async () => {
  const port = await listening(
    createTcpServer({ noDelay: true }, (socket) => {
      socket.write('HTTP/1.', () => setImmediate(() => socket.end('1 503 Service Unavailable\r\n\r\n')));
      socket.resume();
    }),
  );
  expect(await istioProxy(port)).toBe(true);
});

test('our own sidecar captures nothing, and says who it is', async () => {
  const server = await openHealth(
    { host: '127.0.0.1', port: 0 },
    () => ({ ready: true, why: [] }),
    () => {},
  );
  servers.push(server);
  const { port } = server.address() as { port: number };
  expect(await istioProxy(port)).toBe(false);
});

test('nobody listens, or somebody who hangs up or speaks something else', async () => {
  const port = await http(() => {});
  const gone = servers.pop()!;
  await new Promise((resolve) => gone.close(resolve));
  expect(await istioProxy(port)).toBe(false);
  expect(await istioProxy(await listening(createTcpServer((socket) => void socket.destroy())))).toBe(false);
  expect(await istioProxy(await listening(createTcpServer((socket) => void socket.end('hello\r\n').resume())))).toBe(
    false,
  );
});
