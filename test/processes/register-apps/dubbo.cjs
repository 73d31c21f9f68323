/** An app that knows nothing of a mesh: `node dubbo.cjs HOST:PORT...` calls `sayHello` of each with npm's dubbo2.js. */
const { DirectlyDubbo, java } = require('dubbo2.js');

async function say(dubboAddress) {
  const dubbo = DirectlyDubbo.from({ dubboAddress, dubboVersion: '2.0.2', dubboInvokeTimeout: 10 });
  const demo = dubbo.proxyService({
    dubboInterface: 'org.apache.dubbo.samples.basic.api.DemoService',
    version: '0.0.0',
    methods: { sayHello: (name) => [java.String(name)] },
  });
  const { res, err } = await demo.sayHello('app');
  return err === null ? res : `refused: ${err.message}`;
}

async function main() {
  for (const address of process.argv.slice(2)) console.log(await say(address));
  process.exit(); // dubbo2.js has no end of its own
}

main();
