/** npm's thrift: two servers of the same service, each of which says in its replies who it is. */
import thrift from 'thrift';
import Echo from '../programs/thrift-echo.cjs';
import { serve } from './serve.mjs';

const options = { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol };

function start(name) {
  const handler = { ping: (text) => `${text}, from ${name}`, whoami: () => `from ${name}`, note: () => {} };
  const server = thrift.createServer(Echo.Processor, handler, options);
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
}

await serve(async () => {
  const endpoints = [await start('v1'), await start('v2')];
  return { port: endpoints[0], endpoints };
});
