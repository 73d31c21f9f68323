const { once } = require('node:events');
const thrift = require('thrift');
const { digest, fails, host, noise, port, refusing, step } = require('./step.cjs');
const Echo = require('./thrift-echo.cjs');

const options = { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol };
const connection = thrift.createConnection(host, port, options);
const client = thrift.createClient(Echo.Client, connection);
const large = noise(1 << 20).toString('base64');
const times = (count, method) => Promise.all(Array.from({ length: count }, () => client.call(method, 'it')));

async function main() {
  await step('connect', async () => void (await once(connection, 'connect')));
  await step('call', () => client.call('ping', 'мимо'));
  await step('split', () => times(40, 'ping'));
  await step('pinned', () => times(10, 'whoami'));
  await step('1.3 MiB', async () => digest((await client.call('ping', large)).split(', from')[0]));
  await step('one-way', () => client.call('note', 'noted'));
  await fails('server error', () => client.call('missing', 'x'));
  await step('end', async () => {
    connection.end();
    await once(connection, 'close');
  });
  await fails('connection refused', async () => {
    const nobody = thrift.createConnection(host, refusing, options);
    const error = new Promise((_resolve, reject) => nobody.once('error', reject));
    const answer = once(nobody, 'connect').then(() => thrift.createClient(Echo.Client, nobody).call('ping', 'x'));
    await Promise.race([error, answer]).finally(() => nobody.end());
  });
}

main();
