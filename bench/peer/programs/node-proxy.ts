/** The plainest proxy that Node can be: bytes in, bytes out. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { obey } from '../kit/control.js';

/** Ports to listen on for the ports that they lead to, in order. */
obey((upstreams: readonly number[]) => Promise.all(upstreams.map(listen)));

async function listen(upstream: number): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => pass(socket, upstream));
  server.listen({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function pass(downstream: Socket, port: number): void {
  const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
  downstream.pipe(upstream).pipe(downstream);
  downstream.on('error', () => upstream.destroy());
  upstream.on('error', () => downstream.destroy());
}
