import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { openHealth } from '../../../../adapters/hosts/sidecar/health.js';

const host = '127.0.0.1';
const well = () => ({ ready: true, why: [] });

test('a port that is taken is told by its setting, and what to do', async () => {
  const taken = createServer().listen(0, host);
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  await expect(openHealth({ host, port }, well, () => {})).rejects.toThrow(
    `listeners.health cannot be opened: listen EADDRINUSE: address already in use ${host}:${port}; end who has it, or choose another port there, 0 for any that is free`,
  );
  taken.close();
});

test('what goes wrong later is told, and it goes on', async () => {
  const told: string[] = [];
  const server = await openHealth({ host, port: 0 }, well, (message) => told.push(message));
  // As Node does when there is no file descriptor for a connection.
  server.emit('error', new Error('accept EMFILE'));
  expect(told).toEqual(['listeners.health: accept EMFILE']);
  const { port } = server.address() as AddressInfo;
  expect((await fetch(`http://${host}:${port}/healthz/ready`)).status).toBe(200);
  server.close();
});
