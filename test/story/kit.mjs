/** What the stories of processes share: rules for a Dubbo service, callers that never stop, a sidecar, and how checks are told. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startPeer } from '../../dist/examples/demo/peers/start-peer.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const HOST = 'demo.example';
export const PORT = 20880;
export const SERVICE = `${HOST}:${PORT}`;
export const INTERFACE = 'org.apache.dubbo.samples.basic.api.DemoService';
/** Nothing is waited for longer than this. */
const PATIENCE_MS = 15_000;
const bin = join(root, 'dist/adapters/cli/bin.js');

export const services = (v1, v2) => `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: demo, namespace: demo, annotations: { interface: ${INTERFACE} } }
spec:
  hosts: [${HOST}]
  ports: [{ number: ${PORT}, name: tcp-metaprotocol-dubbo, protocol: TCP }]
  resolution: STATIC
  endpoints:
    - { address: 127.0.0.1, ports: { tcp-metaprotocol-dubbo: ${v1} }, labels: { version: v1 } }
    - { address: 127.0.0.1, ports: { tcp-metaprotocol-dubbo: ${v2} }, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: demo, namespace: demo }
spec:
  host: ${HOST}
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
`;

export const router = (subset) => `
---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: demo, namespace: demo }
spec:
  hosts: [${HOST}]
  routes: [{ name: r, route: [{ destination: { host: ${HOST}, subset: ${subset} } }] }]
`;

export const provider = (name) => startPeer(join(root, 'examples/demo/peers/provider.mjs'), ['--name', name]);

/** `meltemi rds`, which serves what `rules` says. */
export const rds = (rules, port, ...more) =>
  startPeer(bin, ['rds', rules, '--listen', `127.0.0.1:${port}`, '--json', ...more]);

/** `meltemi sidecar` for the service, whose rules lead to this provider: who answers says which way a call went. */
export async function startSidecar(folder, behind) {
  const file = (name, text) => writeFileSync(join(folder, name), text);
  file('sidecar-rules.yaml', services(behind, behind + 1) + router('v1'));
  const listeners = { outbound: { ports: { [SERVICE]: 0 } }, health: { port: 0 } };
  const shutdown = { grace: 0, drain: '5s' };
  file('sidecar.yaml', JSON.stringify({ rules: 'sidecar-rules.yaml', control: false, listeners, shutdown }));
  const peer = await startPeer(bin, ['sidecar', '--json', '--config', join(folder, 'sidecar.yaml')]);
  return {
    port: peer.ready.listeners[0].port,
    /** @returns the exit code */
    async end() {
      await peer.kill('SIGTERM');
      return peer.process.exitCode;
    },
  };
}

const checks = [];
export function check(what, observed, expected) {
  const holds = JSON.stringify(observed) === JSON.stringify(expected);
  checks.push(holds);
  if (holds) console.log(`ok    ${what}`);
  else console.log(`FAIL  ${what}: ${JSON.stringify(observed)}, not ${JSON.stringify(expected)}`);
}

export function fail(error) {
  checks.push(false);
  console.log(`FAIL  ${error.stack}`);
}

/** Prints the last line, and ends the process. */
export function report() {
  const wrong = checks.filter((holds) => !holds).length;
  console.log(`${checks.length - wrong} passed, ${wrong} failed`);
  process.exit(wrong === 0 ? 0 : 1);
}

export async function until(what, holds) {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(5);
  }
}

/** Where a mesh places the service, and why. */
export function placed({ status }) {
  const { placement, reason } = status.placements.find(({ service }) => service === SERVICE);
  return `${placement} ${reason}`;
}

/** Calls by a client, one after the other; who answered, in the order in which that changed. */
export class Caller {
  answered = [];
  calls = 0;
  failures = [];
  #over = false;
  #running;

  constructor(call) {
    this.#running = this.#run(call);
  }

  get last() {
    return this.answered.at(-1);
  }

  async #run(call) {
    while (!this.#over) {
      this.calls++;
      try {
        const who = /, from (\S+)$/.exec(await call(`${this.calls}`))[1];
        if (who !== this.last) this.answered.push(who);
      } catch (error) {
        this.failures.push(error.message);
      }
      await sleep(1);
    }
  }

  async stop() {
    this.#over = true;
    await this.#running;
  }
}
