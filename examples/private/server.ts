/**
 * A server of a private protocol that knows nothing of the mesh: sockets and a codec.
 *
 *     node dist/examples/private/server.js videopacket|qza NAME
 *
 * Prints one line of JSON with its port when it is ready, and ends with its standard input.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { ByteQueue } from 'meltemi/spi';
import { PROTOCOLS } from './protocols.js';

const [name = '', version = ''] = process.argv.slice(2);
const protocol = PROTOCOLS[name]!;

const server = createServer((socket: Socket) => {
  const codec = protocol.open('downstream');
  const input = new ByteQueue();
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    input.push(chunk);
    for (let request = codec.decode(input); request !== null; request = codec.decode(input)) {
      const reply = protocol.message('response', {}, `from ${version}`);
      for (const bytes of codec.encode(reply, request)) socket.write(bytes);
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ ready: true, port }));
});
process.stdin.resume().once('end', () => process.exit());
