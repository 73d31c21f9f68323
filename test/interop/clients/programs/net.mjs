import { once } from 'node:events';
import net from 'node:net';
import { digest, host, noise, refusing, server, step, told } from './step.cjs';

const large = noise(5 << 20);

/** What a socket's events were, in order, and what it had to say of itself at each. */
function record(socket) {
  const events = [];
  for (const name of ['connect', 'ready', 'timeout', 'end', 'finish', 'error', 'close']) {
    socket.on(name, (...args) => events.push([name, ...args.map(told), socket.readyState]));
  }
  return events;
}

async function closed(socket) {
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks);
}

await step('half-closed', async () => {
  const socket = net.connect({ host, port: server.echo, allowHalfOpen: true });
  const events = record(socket);
  socket.end(large);
  const echoed = await closed(socket);
  return { events, ...digest(echoed), bytesRead: socket.bytesRead, bytesWritten: socket.bytesWritten };
});
await step('written before it is connected, corked', async () => {
  const socket = new net.Socket();
  const events = record(socket);
  socket.connect(server.echo, host);
  socket.cork();
  for (const word of ['to', 'be', 'or', 'not']) socket.write(word);
  socket.uncork();
  await once(socket, 'connect');
  const { pending, connecting, readyState, remoteFamily } = socket;
  socket.end('!', 'latin1');
  return { events, pending, connecting, readyState, remoteFamily, echoed: String(await closed(socket)) };
});
await step('back-pressure', async () => {
  const socket = net.connect(server.echo, host);
  const chunk = large.subarray(0, 1 << 20);
  let full = false;
  const writes = (async () => {
    for (let i = 0; i < 20; i++) {
      if (socket.write(chunk)) continue;
      full = true;
      await once(socket, 'drain');
    }
    socket.end();
  })();
  const echoed = await closed(socket);
  await writes;
  return { full, ...digest(echoed) };
});
await step('idle timeout', async () => {
  const socket = net.connect({ host, port: server.echo, timeout: 200 });
  const events = record(socket);
  socket.write('hello');
  await once(socket, 'timeout');
  socket.destroy();
  await once(socket, 'close');
  return events;
});
await step('aborted', async () => {
  const controller = new AbortController();
  const socket = net.connect({ host, port: server.echo, signal: controller.signal });
  const events = record(socket);
  socket.once('connect', () => controller.abort());
  await closed(socket);
  return events;
});
await step('the same socket again', async () => {
  const socket = net.connect(server.echo, host);
  socket.end('first');
  const first = String(await closed(socket));
  socket.connect(server.echo, host).end('second');
  return [first, String(await closed(socket))];
});
await step('connection refused', async () => {
  const socket = net.connect(refusing, host);
  const events = record(socket);
  await new Promise((resolve) => socket.once('close', resolve));
  return events;
});
