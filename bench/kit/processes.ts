/**
 * What the suite `rpc` talks to, a process of its own each: `provider` answers, `proxy PORT` passes bytes through, as a sidecar
 * without any rules would. Prints its port; ends with its standard input.
 */
import { connect, createServer, type Socket } from 'node:net';
import { serveEcho } from './echo.js';

const [role, port] = process.argv.slice(2);

function proxied(socket: Socket): void {
  const upstream = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
  socket.pipe(upstream).pipe(socket);
  socket.on('error', () => upstream.destroy());
  upstream.on('error', () => socket.destroy());
}

const server = createServer({ noDelay: true }, (socket) => (role === 'proxy' ? proxied(socket) : serveEcho(socket)));
server.listen({ port: 0, host: '127.0.0.1' }, () => {
  const address = server.address();
  console.log(JSON.stringify({ ready: true, port: typeof address === 'object' ? address?.port : 0 }));
});
process.stdin.on('end', () => process.exit(0)).resume();
