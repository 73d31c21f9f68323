/** Asks a Thrift server for ten prices, by npm's thrift. Knows nothing of a mesh: `node thrift.mjs HOST:PORT`. */
import thrift from 'thrift';
import Pricing from '../gen-nodejs/Pricing.js';

const [host, port] = process.argv[2].split(':');
const connection = thrift.createConnection(host, Number(port), {
  transport: thrift.TFramedTransport,
  protocol: thrift.TBinaryProtocol,
});
const pricing = thrift.createClient(Pricing, connection);

for (let i = 0; i < 10; i++) console.log(await pricing.price('lamp'));
await pricing.price('moon').catch((error) => console.log(error.name, error.item));
connection.end();
