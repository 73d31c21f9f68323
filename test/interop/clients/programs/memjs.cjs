const { Client } = require('memjs');
const { digest, fails, host, noise, port, refusing, step } = require('./step.cjs');

const logger = { log() {} };
const client = Client.create(`${host}:${port}`, { timeout: 5, logger });
const large = noise(5 << 20);

async function main() {
  await step('set and get', async () => {
    await client.set('greeting', 'hello', {});
    const { value } = await client.get('greeting');
    return String(value);
  });
  await step('5 MiB', async () => {
    await client.set('large', large, {});
    return digest((await client.get('large')).value);
  });
  await step('many at once', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, i) => client.set(`key${i}`, String(i), {})));
    const got = await Promise.all(Array.from({ length: 200 }, (_, i) => client.get(`key${i}`)));
    return got.map(({ value }) => String(value));
  });
  await fails('server error', () => client.increment('greeting', 1, {}));
  await step('no such key', async () => (await client.get('nobody')).value);
  await fails('connection refused', async () => {
    const nobody = Client.create(`${host}:${refusing}`, { retries: 1, logger });
    await nobody.get('greeting');
  });
  client.quit();
}

main();
