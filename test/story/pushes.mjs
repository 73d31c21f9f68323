/**
 * 1,000 pushes while 1,000 calls a second run: real processes, real sockets. `meltemi rds` serves a folder of YAML that is
 * edited as fast as it is obeyed; a consumer with a mesh calls two Dubbo providers. Each version has a name of its own,
 * which the rule writes into the requests, and the version decides who serves: so of each reply is known by which version
 * its call was routed.
 *
 * A call is astray if its provider is not the one of its version, if the version is newer than what was written when the
 * reply came, or older than one that a call had been routed by which was over before this one began.
 *
 *     node test/story/pushes.mjs [PUSHES [CALLS_A_SECOND]]
 *
 * Needs `npm run build`. Ends with `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { dubboClient } from 'meltemi/dubbo';
import { metaRdsSource } from 'meltemi/metards';
import { startMesh } from 'meltemi/node';
import { firstValueFrom } from 'rxjs';

const [pushes = 1000, callsPerSecond = 1000] = process.argv.slice(2).map(Number);
const root = fileURLToPath(new URL('../..', import.meta.url));
const HOST = 'demo.example';
const INTERFACE = 'org.apache.dubbo.samples.basic.api.DemoService';
const PROVIDERS = ['v1', 'v2'];
const provider = (version) => PROVIDERS[version % 2];

/** A program that prints a line of JSON when it is ready, and lines of JSON after it. */
async function start(file, ...args) {
  const child = spawn(process.execPath, [join(root, file), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill());
  const lines = createInterface(child.stdout);
  const [ready] = await once(lines, 'line');
  const ended = once(child, 'close');
  return { child, lines, port: JSON.parse(ready).port, ended };
}

const folder = mkdtempSync(join(tmpdir(), 'meltemi-pushes-'));
/** As `kubectl` and editors do: never half of it is seen. */
function write(name, text) {
  writeFileSync(join(folder, `.${name}`), text);
  renameSync(join(folder, `.${name}`), join(folder, name));
}

const services = (ports) => `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: demo, namespace: demo, annotations: { interface: ${INTERFACE} } }
spec:
  hosts: [${HOST}]
  ports: [{ number: 20880, name: tcp-metaprotocol-dubbo, protocol: TCP }]
  resolution: STATIC
  endpoints:
    - { address: 127.0.0.1, ports: { tcp-metaprotocol-dubbo: ${ports[0]} }, labels: { version: v1 } }
    - { address: 127.0.0.1, ports: { tcp-metaprotocol-dubbo: ${ports[1]} }, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: demo, namespace: demo }
spec:
  host: ${HOST}
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
`;

const router = (version) => `
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: demo, namespace: demo }
spec:
  hosts: [${HOST}]
  routes:
    - name: r${version}
      route: [{ destination: { host: ${HOST}, subset: ${provider(version)} } }]
      requestMutation: [{ key: version, value: "${version}" }]
`;

const providers = await Promise.all(PROVIDERS.map((name) => start('examples/demo/peers/provider.mjs', '--name', name)));
write('services.yaml', services(providers.map(({ port }) => port)));
write('router.yaml', router(0));
const controlPlane = await start(
  'dist/adapters/cli/bin.js',
  'rds',
  folder,
  '--listen',
  '127.0.0.1:0',
  '--debounce',
  '0',
  '--json',
);
const source = metaRdsSource({ address: `127.0.0.1:${controlPlane.port}` });
const mesh = await startMesh({ rules: join(folder, 'services.yaml') }, { sources: [source] });
await mesh.ready();
const client = dubboClient(mesh, { host: HOST, port: 20880, interface: INTERFACE });

let written = 0;
/** The newest by which a call that is over was routed. */
let obeyed = 0;
const failed = [];
const astray = [];
let calls = 0;
async function call() {
  const from = obeyed;
  calls++;
  try {
    const seen = await client.call('whoami', []);
    const version = Number(seen.version);
    if (!(version >= from && version <= written) || seen.provider !== provider(version)) {
      astray.push(`version ${seen.version} by ${seen.provider}, from ${from} to ${written}`);
    }
    obeyed = Math.max(obeyed, version);
  } catch (error) {
    failed.push(error.message);
  }
}

/** Calls as they fall due, so that a slow machine makes up for what it was late. */
function callSteadily() {
  const begun = performance.now();
  const running = new Set();
  let issued = 0;
  const timer = setInterval(() => {
    for (const due = ((performance.now() - begun) * callsPerSecond) / 1000; issued < due; issued++) {
      const one = call().finally(() => running.delete(one));
      running.add(one);
    }
  }, 1);
  return async () => {
    clearInterval(timer);
    await Promise.all(running);
  };
}

const took = [];
const begun = performance.now();
const stop = callSteadily();
while (written < pushes) {
  const changed = firstValueFrom(mesh.changes);
  const at = performance.now();
  write('router.yaml', router(++written));
  await changed;
  took.push(performance.now() - at);
}
await stop();
const seconds = (performance.now() - begun) / 1000;
await call();

await mesh.close({ drainMs: 1000 });
controlPlane.child.kill('SIGTERM');
const [code] = await controlPlane.ended;
for (const { child } of providers) child.stdin.end();
rmSync(folder, { recursive: true });

took.sort((a, b) => a - b);
const at = (share) => took[Math.floor(share * (took.length - 1))].toFixed(1);
console.log(
  `${pushes} pushes and ${calls} calls in ${seconds.toFixed(1)} s; from edit to obeyed p50 ${at(0.5)}, p99 ${at(0.99)} ms`,
);
const checks = [
  ['no call failed', failed.length === 0, failed.slice(0, 5)],
  ['no call went astray', astray.length === 0, astray.slice(0, 5)],
  [`the last version, ${pushes}, is obeyed`, obeyed === pushes, obeyed],
  ['calls did not fall behind', calls >= 0.95 * seconds * callsPerSecond, calls],
  ['the control plane ended when it was told to', code === 0, code],
];
for (const [what, holds, observed] of checks)
  console.log(`${holds ? 'ok  ' : 'FAIL'}  ${what}${holds ? '' : `: ${JSON.stringify(observed)}`}`);
const wrong = checks.filter(([, holds]) => !holds).length;
console.log(`${checks.length - wrong} passed, ${wrong} failed`);
process.exitCode = wrong === 0 ? 0 : 1;
