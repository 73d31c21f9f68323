import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { nodeConnect } from '../../../../adapters/hosts/register/node-functions.js';

test('a socket of the mesh keeps no process alive, whichever address of a host answers', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const lookup = (_host: string, _options: object, done: (error: null, found: object[]) => void) =>
    process.nextTick(done, null, [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ]);
  const socket = nodeConnect({ host: 'demo.test', port, lookup: lookup as never, autoSelectFamily: true });
  await once(socket, 'connect');
  const { _handle } = socket as Socket & { _handle?: { hasRef(): boolean } };
  expect([socket.remoteAddress, _handle!.hasRef()]).toEqual(['127.0.0.1', false]);
  socket.destroy();
  server.close();
});
