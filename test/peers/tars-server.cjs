/**
 * A TARS server that knows nothing of Meltemi: npm's @tars/rpc, a process of its own.
 *
 *     node test/peers/tars-server.cjs NAME PORT
 *
 * Prints one line of JSON when it is ready, with its port; ends with its standard input. Functions: `echo` answers with
 * its bytes, `who` with NAME, `context` with what the caller's context holds, `fail` with code 42. Each reply's context
 * says who answered.
 */
const { connect } = require('node:net');
const Tars = require('@tars/rpc');

const [, , name, port] = process.argv;

class Servant {
  initialize() {}

  onDispatch(current, func, bytes) {
    current.setResponseContext({ 'answered-by': name });
    if (func === 'echo') current.doResponse(bytes);
    else if (func === 'who') current.doResponse(answer(name));
    else if (func === 'context') current.doResponse(answer(JSON.stringify(current.getContext().value)));
    else if (func === 'fail') current.sendErrorResponse(42, 'failing as asked');
    else return Tars.error.SERVER.FUNC_NOT_FOUND ?? -3;
    return Tars.error.SUCCESS;
  }
}

/** Wrapped as the framework's own stream would: anything with `toNodeBuffer`. */
function answer(text) {
  const { BinBuffer } = require('@tars/stream');
  const buffer = new BinBuffer();
  buffer.writeNodeBuffer(Buffer.from(text));
  return buffer;
}

new Tars.server().start({
  endpoint: `tcp -h 127.0.0.1 -p ${port} -t 60000`,
  servant: 'Demo.EchoServer.EchoObj',
  protocolName: 'tars',
  handleImp: Servant,
});

/** The framework does not tell when it listens. */
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
