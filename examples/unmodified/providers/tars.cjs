/**
 * A TARS server that knows nothing of a mesh: npm's @tars/rpc. `node tars.cjs NAME PORT`; prints one line of JSON when it is
 * ready, with its port, and ends with its standard input.
 */
const { connect } = require('node:net');
const Tars = require('@tars/rpc');
const { BinBuffer } = require('@tars/stream');

const [, , name, port] = process.argv;

class Stock {
  initialize() {}

  onDispatch(current, func) {
    if (func !== 'inStock') return Tars.error.SERVER.FUNC_NOT_FOUND;
    const answer = new BinBuffer();
    answer.writeNodeBuffer(Buffer.from(`7, from ${name}`));
    current.doResponse(answer);
    return Tars.error.SUCCESS;
  }
}

new Tars.server().start({
  endpoint: `tcp -h 127.0.0.1 -p ${port} -t 60000`,
  servant: 'Shop.StockServer.StockObj',
  protocolName: 'tars',
  handleImp: Stock,
});

/** It does not tell when it listens. */
function tryIt() {
  const socket = connect(Number(port), '127.0.0.1');
  socket.once('connect', () => {
    socket.destroy();
    console.log(JSON.stringify({ ready: true, port: Number(port) }));
  });
  socket.once('error', () => setTimeout(tryIt, 20));
}
tryIt();
process.stdin.resume().once('end', () => process.exit());
