/**
 * What every app of this folder does: asks a Thrift service at HOST and PORT who it is, and does nothing that would keep a
 * process alive after that.
 */
const thrift = require('thrift');
const Echo = require('../programs/thrift-echo.cjs');

module.exports = async function ask() {
  const options = { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol };
  const connection = thrift.createConnection(process.env.HOST, Number(process.env.PORT), options);
  try {
    return await Promise.race([
      thrift.createClient(Echo.Client, connection).call('whoami', ''),
      new Promise((_resolve, reject) => connection.once('error', reject)),
    ]);
  } finally {
    connection.end();
  }
};
