import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startMesh } from '../../../../adapters/node/index.js';
import { type Peer, startPeer } from '../../../../examples/demo/peers/start-peer.js';
import { RulesFolder } from '../../../../examples/demo/rules.js';
import type { Mesh } from '../../../../src/index.js';
import { freePort } from '../../../support/free-ports.mjs';

/** npm's @tars/rpc, unmodified, as client and server on both sides of the mesh, over real sockets. */
const HOST = 'echo.example';
const SERVANT = 'Demo.EchoServer.EchoObj';

const rules = (v1: number, v2: number) => `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: echo, namespace: test, annotations: { interface: ${SERVANT} } }
spec:
  hosts: [${HOST}]
  ports: [{ number: 9000, name: tcp-metaprotocol-tars, protocol: TCP }]
  resolution: STATIC
  endpoints:
    - { address: 127.0.0.1, ports: { tcp-metaprotocol-tars: ${v1} }, labels: { version: v1 } }
    - { address: 127.0.0.1, ports: { tcp-metaprotocol-tars: ${v2} }, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: echo, namespace: test }
spec:
  host: ${HOST}
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: echo, namespace: test }
spec:
  hosts: [${HOST}]
  routes:
    - name: jason
      match: { attributes: { servant: { exact: ${SERVANT} }, user: { exact: jason } } }
      route: [{ destination: { host: ${HOST}, subset: v2 } }]
      requestMutation: [{ key: canary, value: 'yes' }]
      responseMutation: [{ key: routed-by, value: meltemi }]
    - name: functions
      match: { attributes: { func: { regex: who|echo|fail|context|gone } } }
      route: [{ destination: { host: ${HOST}, subset: v1 } }]
  localRateLimit:
    conditions:
      - match: { attributes: { func: { exact: echo } } }
        tokenBucket: { maxTokens: 1, tokensPerFill: 1, fillInterval: 60s }
`;

interface Answer {
  readonly text?: string;
  readonly context?: Readonly<Record<string, string>>;
  readonly error?: unknown;
}

const peer = (name: string) => join(import.meta.dirname, `../../../peers/${name}.cjs`);

/** The unmodified client, in a process of its own. */
class Client {
  readonly #process = spawn(process.execPath, ['--no-warnings', peer('tars-client')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #calls = 0;

  constructor() {
    createInterface(this.#process.stdout).on('line', (line) => {
      const { id, ...answer } = JSON.parse(line) as Answer & { id: number };
      this.#waiting.get(id)?.(answer);
    });
  }

  call(port: number, func: string, context: Readonly<Record<string, string>> = {}, body = ''): Promise<Answer> {
    const id = this.#calls++;
    this.#process.stdin.write(`${JSON.stringify({ id, servant: SERVANT, port, func, context, body })}\n`);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    await once(this.#process, 'close');
  }
}

let servers: readonly Peer[];
let mesh: Mesh;
let folder: RulesFolder;
let client: Client;
let outbound: number;
let inbound: number;

beforeAll(async () => {
  const start = async (name: string) => startPeer(peer('tars-server'), [name, String(await freePort())]);
  servers = await Promise.all([start('v1'), start('v2')]);
  folder = await RulesFolder.create();
  await folder.write('rules.yaml', rules(servers[0]!.port, servers[1]!.port));
  mesh = await startMesh({ rules: folder.path, protocols: ['tars'] });
  await mesh.ready();
  client = new Client();
  outbound = (await mesh.listen({ port: 0, service: `${HOST}:9000` })).port;
  const forward = { port: servers[0]!.port };
  inbound = (await mesh.serve({ port: 0, service: `${HOST}:9000`, forward })).port;
}, 30_000);

afterAll(async () => {
  await client.close();
  await mesh.close({ drainMs: 100 });
  await Promise.all([...servers.map((server) => server.stop()), folder.remove()]);
});

test('calls are routed by servant, func and context', async () => {
  expect(await client.call(outbound, 'who')).toEqual({ text: 'v1', context: { 'answered-by': 'v1' } });
  expect((await client.call(outbound, 'who', { user: 'jason' })).text).toBe('v2');
});

test('the context is mutated on the way there and back, and bodies pass as they are', async () => {
  const { text, context } = await client.call(outbound, 'context', { user: 'jason', other: 'ünï' });
  expect(JSON.parse(text!)).toEqual({ user: 'jason', other: 'ünï', canary: 'yes' });
  expect(context).toEqual({ 'answered-by': 'v2', 'routed-by': 'meltemi' });
  const large = 'x'.repeat(300_000);
  expect((await client.call(outbound, 'echo', {}, large)).text).toBe(large);
});

test('many calls share connections, and each gets its own reply', async () => {
  const texts = Array.from({ length: 100 }, (_, i) => `call ${i}`);
  const replies = await Promise.all(texts.map((text) => client.call(outbound, 'echo', {}, text)));
  expect(replies.map((reply) => reply.text)).toEqual(texts);
});

test('errors of the servant and of the framework come as they were said', async () => {
  expect((await client.call(outbound, 'fail')).error).toMatchObject({ code: 42, message: 'failing as asked' });
  expect((await client.call(outbound, 'gone')).error).toMatchObject({ code: -3 });
});

test('what the mesh refuses is an error of the client, and the process lives on', async () => {
  expect((await client.call(outbound, 'unrouted')).error).toMatchObject({
    code: -3,
    message: expect.stringContaining('NO_ROUTE'),
  });
  await client.call(inbound, 'echo');
  expect((await client.call(inbound, 'echo')).error).toMatchObject({
    code: -9,
    message: expect.stringContaining('RATE_LIMITED'),
  });
  expect((await client.call(inbound, 'who')).text).toBe('v1');
});
