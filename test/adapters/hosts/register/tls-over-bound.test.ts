import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import { join } from 'node:path';
import { createSecureContext, TLSSocket, connect as tlsConnect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { bindSocket } from '../../../../adapters/hosts/register/bound-socket.js';

const certificate = (file: string) => readFileSync(join(import.meta.dirname, '../../../support/certificates', file));
const NAME = { address: '240.240.1.2', family: 'IPv4', port: 5432 } as const;

/** Says `S` in plain text and goes on in TLS with an echo, as PostgreSQL does when it is asked. */
let server: Server;

beforeAll(async () => {
  const secureContext = createSecureContext({ cert: certificate('server.pem'), key: certificate('server.key') });
  server = createServer((socket) => {
    socket.once('data', () => {
      socket.write('S');
      const secure = new TLSSocket(socket, { isServer: true, secureContext });
      secure.pipe(secure).on('error', () => {});
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => {
  server.close();
});

/** Bound, and joined with the server. */
function boundSocket(): Socket {
  const socket = new Socket();
  const far = bindSocket(socket, { remote: NAME, local: NAME });
  const upstream = connect((server.address() as AddressInfo).port, '127.0.0.1');
  far.pipe(upstream).pipe(far);
  return socket;
}

async function echoed(secure: TLSSocket, text: string): Promise<string> {
  const chunks: Buffer[] = [];
  secure.on('data', (chunk: Buffer) => chunks.push(chunk));
  secure.end(text);
  await once(secure, 'end');
  return Buffer.concat(chunks).toString();
}

const text = 'x'.repeat(1_000_000);

test('TLS that begins within a bound connection', async () => {
  const socket = boundSocket();
  socket.write('may I?');
  await once(socket, 'data');
  const secure = tlsConnect({ socket, ca: certificate('root.pem'), servername: 'aeraki' });
  const connects: string[] = [];
  secure.on('connect', () => connects.push('connect'));
  await once(secure, 'secureConnect');
  expect(secure.authorized).toBe(true);
  expect(await echoed(secure, text)).toBe(text);
  expect(connects).toEqual([]); // as on a socket of the system that is connected already
});

test('TLS over a bound socket that is not connected yet begins when it is', async () => {
  const socket = new Socket();
  const far = bindSocket(socket, { remote: NAME, local: NAME, connecting: true });
  far.on('error', () => {});
  const secure = new TLSSocket(socket, {});
  expect(secure.connecting).toBe(true);
  far.connected();
  expect(secure.connecting).toBe(false);
  secure.destroy();
  socket.destroy();
});

test("over other sockets it is Node's", () => {
  const secure = new TLSSocket(new Socket());
  expect(secure.connecting).toBe(true);
  secure.destroy();
});
