/**
 * Stands for a sidecar: a TCP proxy on loopback, a process of its own. What it leads to says that it was reached this way.
 *
 *     node test/story/sidecar.mjs --to PORT
 *
 * Prints one line of JSON when it is ready, with its port, and ends with its standard input.
 */
import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { to: { type: 'string' } } });
const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const upstream = connect({ port: Number(values.to), host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  pipeline(client, upstream, () => {});
  pipeline(upstream, client, () => {});
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ ready: true, port: server.address().port })));
process.stdin.resume().on('end', () => process.exit());
