/**
 * Run in a network namespace of its own: a sidecar on addresses of 240.240.0.0/16, which one route makes local, between an
 * unmodified client and a provider. Prints what the client was answered.
 *
 *     unshare --net --map-root-user node any-ip.mjs BIN PROVIDER FOLDER
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DirectlyDubbo, java } from 'dubbo2.js';

const [bin, provider, folder] = process.argv.slice(2);
const VIP = '240.240.0.7';

async function start(...args) {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], cwd: folder });
  process.once('exit', () => child.kill('SIGKILL'));
  for await (const line of createInterface(child.stdout))
    if (line.startsWith('{"ready":true')) return { child, ...JSON.parse(line) };
  throw new Error(`${args} ended`);
}

execFileSync('ip', ['link', 'set', 'lo', 'up']);
execFileSync('ip', ['route', 'add', 'local', '240.240.0.0/16', 'dev', 'lo']);
const v1 = await start(provider, '--name', 'v1');
writeFileSync(
  join(folder, 'rules.yaml'),
  `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: demo, namespace: demo }
spec:
  hosts: [demo.example]
  addresses: [${VIP}]
  ports: [{ number: 20880, name: tcp-metaprotocol-dubbo, protocol: TCP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { tcp-metaprotocol-dubbo: ${v1.port} } }]
`,
);
writeFileSync(
  join(folder, 'meltemi.config.yaml'),
  'rules: rules.yaml\ncontrol: false\nlisteners: { outbound: { vip: true } }\nshutdown: { grace: 0 }\n',
);
const sidecar = await start(bin, 'sidecar', '--json');
const dubbo = DirectlyDubbo.from({ dubboAddress: `${VIP}:20880`, dubboVersion: '2.0.2', dubboInvokeTimeout: 5 });
const demo = dubbo.proxyService({
  dubboInterface: 'org.apache.dubbo.samples.basic.api.DemoService',
  version: '0.0.0',
  methods: { sayHello: (name) => [java.String(name)] },
});
const { res, err } = await demo.sayHello(VIP);
console.log(err?.message ?? res);
sidecar.child.kill('SIGKILL');
await once(sidecar.child, 'close');
process.exit();
