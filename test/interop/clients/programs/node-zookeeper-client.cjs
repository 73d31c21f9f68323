const { once } = require('node:events');
const { promisify } = require('node:util');
const zookeeper = require('node-zookeeper-client');
const { digest, fails, host, noise, port, refusing, step } = require('./step.cjs');

const client = zookeeper.createClient(`${host}:${port}`, { sessionTimeout: 2000, retries: 0 });
const call = (method, ...args) => promisify(client[method]).apply(client, args);
const root = `/demo-${process.pid}`;

async function main() {
  const connected = once(client, 'connected');
  client.connect();
  await connected;

  await step('create and read', async () => {
    await call('create', root, Buffer.from('hello'));
    return new Promise((resolve, reject) => {
      client.getData(root, (error, data) => (error ? reject(error) : resolve(String(data))));
    });
  });
  await step('1 MB', async () => {
    await call('create', `${root}/large`, noise(1_000_000));
    return new Promise((resolve, reject) => {
      client.getData(`${root}/large`, (error, data) => (error ? reject(error) : resolve(digest(data))));
    });
  });
  await step('many at once', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `node${i}`);
    await Promise.all(names.map((name) => call('create', `${root}/${name}`)));
    return new Promise((resolve, reject) => {
      client.getChildren(root, (error, children) => (error ? reject(error) : resolve(children.sort())));
    });
  });
  await step('watch', async () => {
    const changed = new Promise((resolve) => {
      client.exists(
        `${root}/watched`,
        (event) => resolve([event.getName(), event.getPath().slice(root.length)]),
        () => client.create(`${root}/watched`, () => {}),
      );
    });
    return changed;
  });
  await fails('server error', () => call('create', root));
  await step('idle for longer than its session, but for pings', async () => {
    await new Promise((resolve) => setTimeout(resolve, 2500));
    return (await call('exists', root)).dataLength;
  });
  await fails('connection refused', async () => {
    const nobody = zookeeper.createClient(`${host}:${refusing}`);
    nobody.connect();
    await new Promise(process.nextTick);
    const refused = once(nobody.connectionManager.socket, 'connect');
    nobody.close(); // or it would try for ever
    await refused;
  });
  client.close();
}

main();
