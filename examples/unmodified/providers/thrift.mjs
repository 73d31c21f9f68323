/**
 * A Thrift server that knows nothing of a mesh: npm's thrift. `node thrift.mjs NAME`; prints one line of JSON when it is
 * ready, with its port, and ends with its standard input.
 */
import thrift from 'thrift';
import Pricing from '../gen-nodejs/Pricing.js';
import { UnknownItem } from '../gen-nodejs/pricing_types.js';

const [, , name] = process.argv;
const handler = {
  price(item, answer) {
    if (item === 'lamp') answer(null, `12.50, from ${name}`);
    else answer(new UnknownItem({ item }));
  },
};
const server = thrift.createServer(Pricing, handler, {
  transport: thrift.TFramedTransport,
  protocol: thrift.TBinaryProtocol,
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ ready: true, port: server.address().port })));
process.stdin.resume().once('end', () => process.exit());
