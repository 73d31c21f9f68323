import dubbo from 'dubbo-remoting';
import sofa from 'sofa-rpc-node';
import { digest, fails, host, noise, port, refusing, step } from './step.cjs';

const large = noise(1 << 20).toString('base64');
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function clientOf(port) {
  const client = new sofa.client.RpcClient({ logger: quiet, protocol: dubbo });
  const consumer = client.createConsumer({
    interfaceName: 'org.apache.dubbo.samples.basic.api.DemoService',
    version: '0.0.0',
    group: '', // else it is SOFA
    serverHost: `dubbo://${host}:${port}?group=`,
    connectTimeout: 1000,
  });
  await consumer.ready();
  return (method, ...args) => consumer.invoke(method, args, { responseTimeout: 5000 });
}

const call = await clientOf(port);
const times = (count, method, ...args) => Promise.all(Array.from({ length: count }, () => call(method, ...args)));

await step('call', () => call('sayHello', 'мир'));
await step('split', () => times(40, 'sayHello', 'world'));
await step('pinned', async () => (await times(10, 'whoami')).map(({ provider }) => `from ${provider}`));
await step('1.3 MiB', async () => digest(await call('echoString', large)));
await fails('server error', () => call('failRuntime', 'as asked'));
await fails('no such method', () => call('noSuchMethod'));
await fails('connection refused', async () => (await clientOf(refusing))('sayHello', 'nobody'));
process.exit(); // its timers never end
