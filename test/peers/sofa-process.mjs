/**
 * An unmodified sofa-rpc-node client with dubbo-remoting, as a process of its own since its timers never end. Calls what
 * each line of standard input says, {"id","method","args","attachments"}, and prints {"id","result"} or {"id","error"}.
 */
import { createInterface } from 'node:readline';
import dubbo from 'dubbo-remoting';
import sofa from 'sofa-rpc-node';

const port = Number(process.argv[2]);
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const client = new sofa.client.RpcClient({ logger: quiet, protocol: dubbo });
const consumer = client.createConsumer({
  interfaceName: 'org.apache.dubbo.samples.basic.api.DemoService',
  version: '0.0.0',
  group: '', // else it is SOFA
  serverHost: `dubbo://127.0.0.1:${port}?group=`,
});
await consumer.ready();
print({ ready: true, port });

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const { id, method, args, attachments } = JSON.parse(line);
  const options = { responseTimeout: 10_000, requestProps: attachments };
  consumer.invoke(method, args, options).then(
    (result) => print({ id, result }),
    (error) => print({ id, error: error.message }),
  );
});
lines.on('close', () => process.exit(0));
