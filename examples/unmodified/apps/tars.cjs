/** Calls a TARS servant ten times, by npm's @tars/rpc. Knows nothing of a mesh: `node tars.cjs HOST:PORT`. */
const { join } = require('node:path');
const { client } = require('@tars/rpc');
const { BinBuffer } = require('@tars/stream');

const [host, port] = process.argv[2].split(':');
client.initialize(join(__dirname, 'tars.conf'));
const stock = client.stringToProxy(class {}, `Shop.StockServer.StockObj@tcp -h ${host} -p ${port} -t 5000`);

async function main() {
  for (let i = 0; i < 10; i++) {
    const item = new BinBuffer();
    item.writeNodeBuffer(Buffer.from('lamp'));
    const { response } = await stock._worker.tars_invoke('inStock', item);
    console.log(String(response.sBuffer.toNodeBuffer()));
  }
  process.exit(); // its timers would keep the process
}

main();
