/** Says hello ten times to a Dubbo provider, by npm's dubbo2.js. Knows nothing of a mesh: `node dubbo.mjs HOST:PORT`. */
import { DirectlyDubbo, java } from 'dubbo2.js';

const dubbo = DirectlyDubbo.from({ dubboAddress: process.argv[2], dubboVersion: '2.0.2', dubboInvokeTimeout: 5 });
const demo = dubbo.proxyService({
  dubboInterface: 'org.apache.dubbo.samples.basic.api.DemoService',
  version: '0.0.0',
  methods: { sayHello: (name) => [java.String(name)] },
});

for (let i = 0; i < 10; i++) {
  const { res, err } = await demo.sayHello('app');
  console.log(err === null ? res : `refused: ${err.message}`);
}
process.exit(); // dubbo2.js has no end of its own
