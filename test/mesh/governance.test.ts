import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import { inProcessDuplex, plainTransport } from '../../src/connection/index.js';
import type { MeshOptions } from '../../src/index.js';
import { freePort } from '../support/free-ports.mjs';
import { FrameClient } from './frame-client.js';
import { DEMO, demoService, type World, world } from './support.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(yaml: string, options: Partial<MeshOptions> = {}): Promise<World> {
  const it = world(yaml, options);
  closing.push(() => it.mesh.close({ drainMs: 0 }));
  await it.mesh.ready();
  return it;
}

const entry = (host: string, port: string, more = '') => `
---
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: ${host}, namespace: test }
spec:
  hosts: ['${host}']
  ports: [{ number: 80, name: ${port}, protocol: TCP }]
  resolution: STATIC
  ${more}
  endpoints: [{ address: 10.1.0.1 }]
`;
const strict = `
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: all, namespace: test }
spec: { mtls: { mode: STRICT } }
`;
const rules = [
  demoService,
  entry('virtual.test', 'tcp-metaprotocol-frame', 'addresses: [240.1.2.3, 10.7.0.0/16]'),
  entry('unread.test', 'tcp-metaprotocol-other'),
  entry('web.test', 'http'),
].join('');

test('a mesh governs what it reads, by host, virtual address and endpoint; nothing else', async () => {
  const { mesh } = await start(rules);
  const governed: [string, number?][] = [
    ['demo.test', 9000],
    ['demo.test'],
    ['10.0.0.2', 9000],
    ['virtual.test', 80],
    ['240.1.2.3', 80],
  ];
  const others: [string, number?][] = [
    ['demo.test', 9001],
    ['10.0.0.2', 9001],
    ['10.0.0.2'],
    ['unread.test', 80],
    ['unread.test'],
    ['web.test', 80],
    ['web.test'],
    ['nobody.test', 80],
    ['nobody.test'],
  ];
  expect(governed.filter(([host, port]) => !mesh.governs(host, port))).toEqual([]);
  expect(others.filter(([host, port]) => mesh.governs(host, port))).toEqual([]);
  expect(mesh.status.placements).toHaveLength(1); // asking alone leaves nothing behind, but for what only a sidecar may read
});

test('what a sidecar reads is governed, though there is no codec here', async () => {
  const { mesh } = await start(rules, { sidecar: { ports: { 'unread.test:80': 15_001 } } });
  expect([mesh.governs('unread.test', 80), mesh.governs('unread.test'), mesh.governs('web.test', 80)]).toEqual([
    true,
    true,
    false,
  ]);
});

test('what wants mTLS is governed: its streams must not go out in plaintext', async () => {
  const { mesh } = await start(demoService + strict);
  expect(mesh.governs('demo.test', 9000)).toBe(true);
});

test('rules that change are obeyed', async () => {
  const { mesh, source } = await start(demoService);
  source.set(entry('new.test', 'tcp-metaprotocol-frame'));
  expect([mesh.governs('demo.test', 9000), mesh.governs('demo.test'), mesh.governs('new.test')]).toEqual([
    false,
    false,
    true,
  ]);
});

test('the services that rules describe, and which of them are governed', async () => {
  const { mesh } = await start(rules);
  const words = mesh.described().map((it) => `${it.host}:${it.port} ${it.protocol} ${it.governed}`);
  expect(words.sort()).toEqual([
    'demo.test:9000 frame true',
    'unread.test:80 other false',
    'virtual.test:80 frame true',
  ]);
  expect(mesh.described('virtual.test').map((it) => it.addresses[0])).toEqual(['240.1.2.3']);
  expect(mesh.described('web.test')).toEqual([]);
});

test('attach serves the far end of a pair that a host brings', async () => {
  const { mesh, server } = await start(demoService);
  server('10.0.0.1');
  server('10.0.0.2');
  const [near, far] = inProcessDuplex();
  mesh.attach(far, DEMO);
  const client = new FrameClient(near);
  expect(await client.call('hello')).toMatch(/^10.0.0.\d hello$/);
  near.end();
  await client.ended;
  expect(client.stray).toBe(0);
});

test.each<[string, (it: World) => unknown, string]>([
  ['a protocol that nobody here reads', () => {}, 'NO_SIDECAR'],
  ['a mesh that is closed', ({ mesh }) => mesh.close({ drainMs: 0 }), 'DRAINING'],
])('attach destroys what cannot be taken, with the Failure: %s', async (_name, prepare, code) => {
  const it = await start(rules);
  await prepare(it);
  const [near, far] = inProcessDuplex();
  const told = (stream: Duplex) => new Promise((resolve) => stream.once('error', resolve));
  const errors = Promise.all([told(near), told(far)]);
  it.mesh.attach(far, { host: 'unread.test', port: 80 });
  expect(await errors).toEqual([expect.objectContaining({ code }), expect.objectContaining({ code })]);
});

test('attach tells when a stream is connected: at once if it is served here', async () => {
  const { mesh } = await start(demoService);
  const [near, far] = inProcessDuplex();
  let connected = 0;
  mesh.attach(far, DEMO, () => connected++);
  expect(connected).toBe(1);
  near.destroy();
});

describe('attach of a stream that is passed on', () => {
  /** To a relay of this machine that stands for the service. */
  async function passed(port: number) {
    const config = {
      placement: { 'unread.test:80': 'sidecar' },
      sidecar: { ports: { 'unread.test:80': port } },
    } as const;
    const { mesh } = await start(rules, { ...config, transport: plainTransport });
    const [near, far] = inProcessDuplex();
    const told: string[] = [];
    mesh.attach(far, { host: 'unread.test', port: 80 }, () => told.push('connected'));
    return { near, far, told };
  }

  test('tells when its other end is connected', async () => {
    const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { near, told } = await passed((server.address() as AddressInfo).port);
    expect(told).toEqual([]);
    expect(String(await once(near, 'data'))).toBe('hello');
    expect(told).toEqual(['connected']);
    server.close();
  });

  test('destroys it with the error if its other end is refused', async () => {
    const { near, far, told } = await passed(await freePort());
    near.on('error', () => {});
    const error = await new Promise((resolve) => far.once('error', resolve));
    expect(error).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
    expect(told).toEqual([]);
  });
});
