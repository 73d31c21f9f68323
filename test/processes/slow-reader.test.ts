import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, expect, test } from '@jest/globals';
import type { Message } from '../../src/message/index.js';
import { frameServer, install, listening, reply, rulesOf } from '../adapters/hosts/register/support/served.js';
import { message } from '../mesh/support.js';

/** A socket that was not drained for so long has a client that takes nothing: on loopback it is a millisecond else. */
const STUCK_MS = 500;
const LARGE = 'x'.repeat(1 << 20);

let client: Socket;
afterEach(() => void client.destroy());

/** Takes as long as the mesh's patience with such a client: five to ten seconds. */
test('an app gets rid of a client that takes nothing any more', async () => {
  const installed = await install();
  let stuck!: (socket: Duplex) => void;
  const isStuck = new Promise<Duplex>((resolve) => {
    stuck = resolve;
  });
  const waiting: Message[] = [];
  function answer(socket: Duplex): void {
    for (let it = waiting.shift(); it !== undefined; it = waiting.shift()) {
      if (socket.write(reply(it, LARGE))) continue;
      const timer = setTimeout(() => stuck(socket), STUCK_MS);
      socket.once('drain', () => {
        clearTimeout(timer);
        answer(socket);
      });
      return;
    }
  }
  const server = frameServer((request, socket) => {
    waiting.push(request);
    if (!socket.writableNeedDrain) answer(socket);
  });
  const port = await listening(server);
  installed.source.set(rulesOf(port));
  client = connect(port, '127.0.0.1').pause();
  client.on('error', () => {});
  for (let id = 1; id <= 200; id++) client.write(message('request', `${id}`, id).bytes[0]!);
  (await isStuck).destroy();
  server.close();
  await once(server, 'close');
  expect(client.readableEnded).toBe(false);
  await installed.close();
}, 30_000);
