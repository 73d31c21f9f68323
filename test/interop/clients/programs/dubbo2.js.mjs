import { DirectlyDubbo, java } from 'dubbo2.js';
import { digest, fails, host, noise, port, refusing, step } from './step.cjs';

const large = noise(1 << 20).toString('base64');
const text = (value) => [java.String(value)];

function clientOf(port, dubboInvokeTimeout) {
  const dubbo = DirectlyDubbo.from({ dubboAddress: `${host}:${port}`, dubboVersion: '2.0.2', dubboInvokeTimeout });
  const proxy = dubbo.proxyService({
    dubboInterface: 'org.apache.dubbo.samples.basic.api.DemoService',
    version: '0.0.0',
    methods: {
      sayHello: text,
      whoami: () => [],
      echoString: text,
      slow: (ms) => [java.int(ms)],
      failChecked: text,
      failRuntime: text,
      noSuchMethod: () => [],
    },
  });
  return async (method, ...args) => {
    const { res, err } = await proxy[method](...args);
    if (err) throw err;
    return res;
  };
}

const call = clientOf(port, 5);
const times = (count, method, ...args) => Promise.all(Array.from({ length: count }, () => call(method, ...args)));

await step('call', () => call('sayHello', 'мир'));
await step('split', () => times(40, 'sayHello', 'world'));
await step('pinned', async () => (await times(10, 'whoami')).map(({ provider }) => `from ${provider}`));
await step('1.3 MiB', async () => digest(await call('echoString', large)));
await step('slow', () => call('slow', 100));
await fails('exception', () => call('failChecked', 'as asked'));
await fails('server error', () => call('failRuntime', 'as asked'));
await fails('no such method', () => call('noSuchMethod'));
await fails('connection refused', () => clientOf(refusing, 1)('sayHello', 'nobody'));
process.exit(); // it has no end of its own
