import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startMesh } from '../../adapters/node/index.js';
import { type Peer, startPeer } from '../../examples/demo/peers/start-peer.js';
import { RulesFolder } from '../../examples/demo/rules.js';
import type { Mesh } from '../../src/index.js';
import { freePort } from '../support/free-ports.mjs';

/** brpc-java and jprotobuf on both sides of the mesh, built by `brpc/kit.mjs`. */
const LIBRARIES = ['brpc-java', 'jprotobuf'] as const;
type Library = (typeof LIBRARIES)[number];
const PAIRS = LIBRARIES.flatMap((client) => LIBRARIES.map((server) => [client, server] as const));

const TARGET = 'test/interop/brpc/target/java';
const JAVA = ['-Xshare:auto', '-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dfile.encoding=UTF-8'];
const OPENED = ['java.lang', 'java.util'].flatMap((name) => ['--add-opens', `java.base/${name}=ALL-UNNAMED`]);
const PEER = ['-cp', `${TARGET}/brpc-peer.jar:${TARGET}/lib/*`, 'meltemi.peer.Peer'];

interface Answer {
  readonly call: number;
  readonly text?: string;
  readonly attachment?: string;
  readonly error?: { readonly kind: string; readonly code: number; readonly text: string };
}

type Call = (method: string, text: string, attachment?: string, logId?: string) => Promise<Answer>;

const peers: Peer[] = [];

async function start(library: Library, role: string, port: number): Promise<Peer> {
  const [first, ...args] = [...JAVA, ...OPENED, ...PEER, library, role, String(port)];
  const peer = await startPeer(first!, args, { command: 'java', readyWithinMs: 30_000 });
  peers.push(peer);
  return peer;
}

async function clientOf(library: Library, port: number): Promise<Call> {
  const peer = await start(library, 'client', port);
  const waiting = new Map<number, (answer: Answer) => void>();
  createInterface(peer.process.stdout!).on('line', (line) => {
    if (!line.startsWith('{"call"')) return;
    const answer = JSON.parse(line) as Answer;
    waiting.get(answer.call)?.(answer);
  });
  let calls = 0;
  return (method, text, attachment = '', logId = '') =>
    new Promise((resolve) => {
      waiting.set(++calls, resolve);
      peer.process.stdin!.write(`${[calls, method, text, attachment, logId].join('\t')}\n`);
    });
}

function rulesFor(server: Library, port: number): string {
  const other = LIBRARIES.find((it) => it !== server);
  return `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: ${server}, namespace: test }
spec:
  hosts: [${server}.example]
  ports: [{ number: 8000, name: tcp-metaprotocol-brpc, protocol: TCP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { tcp-metaprotocol-brpc: ${port} } }]
---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: ${server}, namespace: test }
spec:
  hosts: [${server}.example]
  routes:
    - name: echo
      match: { attributes: { service: { exact: example.EchoService }, method: { regex: 'Echo|Missing' } } }
      route: [{ destination: { host: ${server}.example } }]
      requestMutation: [{ key: x-tenant, value: blue }]
      responseMutation: [{ key: served-by, value: mesh }]
    - name: elsewhere
      match: { attributes: { service: { exact: example.EchoService }, method: { exact: Elsewhere } } }
      route: [{ destination: { host: ${other}.example } }]
---
`;
}

let mesh: Mesh;
let rules: RulesFolder;
const servers = new Map<Library, Peer>();
const clients = new Map<string, Call>();
const callOf = (client: Library, server: Library) => clients.get(`${client} ${server}`)!;

beforeAll(async () => {
  rules = await RulesFolder.create();
  await Promise.all(
    LIBRARIES.map(async (library) => {
      const port = await freePort();
      await rules.write(`${library}.yaml`, rulesFor(library, port));
      servers.set(library, await start(library, 'server', port));
    }),
  );
  mesh = await startMesh({ rules: rules.path, protocols: ['brpc'] });
  await mesh.ready();
  await Promise.all(
    PAIRS.map(async ([client, server]) => {
      const { port } = await mesh.listen({ port: 0, service: `${server}.example:8000` });
      clients.set(`${client} ${server}`, await clientOf(client, port));
    }),
  );
}, 60_000);

afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.kill('SIGKILL')));
  await mesh.close({ drainMs: 0 });
  await rules.remove();
});

describe.each(PAIRS)('%s calls %s through the mesh', (client, server) => {
  const call: Call = (...args) => callOf(client, server)(...args);

  test('answers, attachments and log ids arrive; the user fields of rules disturb nobody', async () => {
    expect((await call('Echo', 'мир 😀')).text).toBe(`${server} мир 😀`);
    const long = 'x'.repeat(300_000);
    const attached = await call('Echo', long, `a${long}`, '-1234567890123456789');
    expect(attached.text === `${server} ${long}`).toBe(true);
    const back = server === 'jprotobuf' ? 'back -1234567890123456789' : 'back';
    expect(attached.attachment === `a${long} ${back}`).toBe(true);
  });

  test('the method chooses the route', async () => {
    const other = LIBRARIES.find((it) => it !== server);
    expect((await call('Elsewhere', 'x')).text).toBe(`${other} x`);
  });

  test('an error of the server is raised as it is without a mesh', async () => {
    const { error } = await call('Echo', 'fail:oops');
    expect(error).toEqual(
      client === 'jprotobuf'
        ? { kind: 'ErrorDataException', code: 2001, text: 'A error occurred: errorCode=2001 errorMessage:oops' }
        : { kind: 'RpcException', code: 0, text: 'com.baidu.brpc.exceptions.RpcException: oops' },
    );
  });

  test('what the mesh refuses is raised with its text', async () => {
    const { error } = await call('Forbidden', 'x');
    expect(error).toMatchObject(
      client === 'jprotobuf' ? { kind: 'ErrorDataException', code: 1002 } : { kind: 'RpcException', code: 0 },
    );
    expect(error!.text).toContain('meltemi: NO_ROUTE: none of the 2 routes of');
  });
});

test.each(LIBRARIES)('%s is told by jprotobuf that there is no such method', async (client) => {
  const { error } = await callOf(client, 'jprotobuf')('Missing', 'x');
  expect(error!.text).toContain("methodName 'Missing' not found");
  if (client === 'jprotobuf') expect(error!.code).toBe(1001);
});

test.each(LIBRARIES)(
  'both clients call %s with the same ids, answered out of order: each has its own',
  async (server) => {
    const texts = Array.from({ length: 20 }, (_, i) => `sleep:${(20 - i) * 2}`);
    const answers = await Promise.all(
      LIBRARIES.flatMap((client) => texts.map((text) => callOf(client, server)('Echo', text, `${client} ${text}`))),
    );
    expect(answers.flatMap((it) => it.error ?? [])).toEqual([]);
    expect(answers.map((it) => it.text)).toEqual(LIBRARIES.flatMap(() => texts.map((text) => `${server} ${text}`)));
    expect(answers.map((it) => it.attachment?.replace(/ back.*/, ''))).toEqual(
      LIBRARIES.flatMap((client) => texts.map((text) => `${client} ${text}`)),
    );
  },
);

test('the server is killed: its callers are told at once', async () => {
  const lost = LIBRARIES.map((client) => callOf(client, 'jprotobuf')('Echo', 'sleep:4500'));
  while (mesh.status.activeCalls < LIBRARIES.length) await new Promise((resolve) => setTimeout(resolve, 10));
  await servers.get('jprotobuf')!.kill('SIGKILL');
  for (const { error } of await Promise.all(lost)) expect(error!.text).toContain('meltemi: CONNECTION_LOST');
  expect(mesh.status.activeCalls).toBe(0);
});
