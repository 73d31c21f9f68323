import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { trpc } from '../../../../adapters/protocols/trpc/index.js';
import type { Message } from '../../../../src/message/index.js';
import { install, listening, rulesOf } from '../../hosts/register/support/served.js';
import { requestOf } from './golden.js';
import { turn, until, Wire } from './scene.js';

const codec = trpc.open('downstream');
const opening = (streamId: number) =>
  Buffer.concat(codec.encode(requestOf('go-stream-bidi') as Message, { idHigh: 0, idLow: streamId }));

test('an app that resets the socket of one stream ends that alone', async () => {
  const { source, close } = await install({ protocols: [trpc] });
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => {}).resume()));
  const port = await listening(server);
  source.set(rulesOf(port, 1_000_000, 'trpc'));
  const client = new Wire(connect(port, '127.0.0.1'), 'upstream');
  client.write(opening(100), opening(101));
  await until(() => sockets.length === 3);
  sockets[1]!.resetAndDestroy();
  expect((await client.next()).idLow).toBe(100);
  for (let i = 0; i < 20; i++) await turn();
  expect([client.closed, sockets[2]!.destroyed]).toEqual([false, false]);
  client.stream.destroy();
  await once(sockets[2]!, 'close');
  await close();
  server.close();
});
