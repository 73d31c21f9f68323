/**
 * A Dubbo provider that knows nothing of Meltemi: npm's sofa-rpc-node with dubbo-remoting, a process of its own.
 *
 *     node examples/demo/peers/provider.mjs --name v1 --port 0 [--version 0.0.0] [--delay MS] [--fail-every N]
 *
 * Prints one line of JSON when it is ready, with its port. If its standard input is a pipe it ends with it, so that a
 * parent that dies leaves no orphan. It serves the methods of the Java kit in test/interop by the same names.
 */
import { fstatSync } from 'node:fs';
import { parseArgs } from 'node:util';
import dubbo from 'dubbo-remoting';
import sofa from 'sofa-rpc-node';

const { values: flags } = parseArgs({
  options: {
    name: { type: 'string', default: 'provider' },
    port: { type: 'string', default: '0' },
    interface: { type: 'string', default: 'org.apache.dubbo.samples.basic.api.DemoService' },
    // What a consumer writes that was told no version; this server takes it for a version like any other.
    version: { type: 'string', default: '0.0.0' },
    delay: { type: 'string', default: '0' },
    'fail-every': { type: 'string', default: '0' },
  },
});
const delay = Number(flags.delay);
const failEvery = Number(flags['fail-every']);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A Java throwable, as this server sends one: whatever is *returned* with such a class name becomes an exception. */
function javaException(className, detailMessage) {
  const frame = { declaringClass: 'demo.Provider', methodName: 'fail', fileName: 'provider.mjs', lineNumber: 1 };
  return {
    $class: className,
    $: { detailMessage, stackTrace: [{ $class: 'java.lang.StackTraceElement', $: frame }] },
  };
}

let calls = 0;
/** `this` is what createContext made of the request. */
const service = {
  async sayHello(name) {
    if (delay > 0) await sleep(delay);
    calls++;
    if (failEvery > 0 && calls % failEvery === 0) throw new Error('failing as asked');
    return `Hello ${name}, from ${flags.name}`;
  },
  async addInt(a, b) {
    return { $class: 'int', $: a + b };
  },
  async echoString(value) {
    return value;
  },
  async echoMap(value) {
    return value;
  },
  async echoBytes(value) {
    return value;
  },
  async echoObject(value) {
    return value;
  },
  /** What the provider saw beside the arguments. */
  async attachments() {
    return { ...this.attachments };
  },
  async whoami() {
    return { ...this.attachments, provider: flags.name };
  },
  async slow(ms) {
    await sleep(ms);
    return `slept ${ms}`;
  },
  /** This server answers null and void with a body of Hessian's N alone, without the kind that Java writes before. */
  async ping() {},
  async nothing() {
    return null;
  },
  /** A business exception: reply status 20 with a throwable. */
  async failChecked(message) {
    return javaException('org.apache.dubbo.samples.basic.api.DemoException', message);
  },
  /** What is thrown becomes a reply of status 80, SERVER_ERROR, with its message as text. */
  async failRuntime(message) {
    throw new Error(message);
  },
};
/** Hessian's generic names for every method that the service object has. */
service.$echo = async (value) => value;

class Provider extends sofa.server.RpcServer {
  createContext(request) {
    return { attachments: request.data.requestProps };
  }
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
// Its default group, SOFA, would be registered; it does not look at a request's group.
const server = new Provider({ logger: quiet, protocol: dubbo, port: Number(flags.port), group: '' });
server.on('error', () => {}); // such as "not found service": the caller is told
server.addService({ interfaceName: flags.interface, version: flags.version }, service);
await server.start();
process.stdout.write(`${JSON.stringify({ ready: true, name: flags.name, port: server.publishPort })}\n`);
const input = fstatSync(0);
if (input.isFIFO() || input.isSocket()) process.stdin.on('end', () => process.exit(0)).resume();
