import type { Duplex } from 'node:stream';
import { expect, test } from '@jest/globals';
import { FrameClient } from '../frame-client.js';
import { turn } from '../scene.js';
import { DEMO, demoService } from '../support.js';
import { PORTS, placedWorld, SIDECAR_PORT } from './world.js';

const SIDECAR = { host: '127.0.0.1', port: SIDECAR_PORT };
const SERVICE = 'demo.test:9000';
const strict = `${demoService}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: all, namespace: test }
spec: { mtls: { mode: STRICT } }
`;
const unreadable = demoService.replace('metaprotocol-frame', 'metaprotocol-other');

/** What comes out of a stream until it ends, or the error that it ends with. */
function whole(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => {
    stream.on('end', () => resolve(Buffer.concat(chunks).toString()));
    stream.on('error', (error) => resolve(error.message));
  });
}

test('bytes go to the sidecar untouched, and half-closing keeps the answer', async () => {
  const it = placedWorld({ sidecar: { ports: PORTS }, placement: 'sidecar' }, unreadable);
  it.controlPlane.nothing();
  it.network.listen(SIDECAR, async (socket) => void socket.end(`seen ${await whole(socket)}`));
  const stream = it.mesh.connect(DEMO.host, DEMO.port);
  const sent = 'no frame at all '.repeat(100_000);
  stream.end(sent);
  expect(await whole(stream)).toBe(`seen ${sent}`);
});

test('a sidecar that does not read holds the client back', async () => {
  const it = placedWorld({ sidecar: { ports: PORTS }, placement: 'sidecar' });
  it.controlPlane.nothing();
  const accepted = new Promise<Duplex>((resolve) => void it.network.listen(SIDECAR, resolve));
  const stream = it.mesh.connect(DEMO.host, DEMO.port);
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let taken = 0;
  for (let i = 0; i < 64; i++) stream.write(chunk, () => void taken++);
  const sidecar = await accepted;
  for (let i = 0; i < 20; i++) await turn();
  expect(taken).toBeLessThan(8);
  let got = 0;
  sidecar.on('data', (bytes: Buffer) => {
    got += bytes.length;
  });
  while (got < 64 * chunk.length) await turn();
  expect(taken).toBe(64);
  stream.destroy();
});

test('a stream that is passed through is served from its next call on; calls of one that is served go where each belongs', async () => {
  const it = placedWorld({ sidecar: { ports: PORTS } });
  const passed = new FrameClient(it.mesh.connect(DEMO.host, DEMO.port));
  expect(await passed.call('a')).toBe('sidecar a');
  it.controlPlane.routes('v2');
  const served = new FrameClient(it.mesh.connect(DEMO.host, DEMO.port));
  expect(await served.call('b')).toBe('10.0.0.2 b');
  expect(await passed.call('c')).toBe('sidecar c');
  await turn();
  expect(await passed.call('d')).toBe('10.0.0.2 d');
  it.source.set(strict);
  expect(await served.call('e')).toBe('sidecar e');
  expect(await passed.call('f')).toBe('sidecar f');
  const late = new FrameClient(it.mesh.connect(DEMO.host, DEMO.port));
  expect(await late.call('g')).toBe('sidecar g');
  it.source.set(demoService);
  it.runtime.advance(60_000);
  expect(await served.call('h')).toBe('10.0.0.2 h');
  expect(await late.call('i')).toBe('sidecar i');
  await turn();
  expect(await late.call('j')).toBe('10.0.0.2 j');
  expect([passed.stray, served.stray, late.stray]).toEqual([0, 0, 0]);
});

test('a listener: each stream by the placement of its moment', async () => {
  const it = placedWorld({ sidecar: { ports: PORTS } });
  const { port } = await it.mesh.listen({ port: 0, service: SERVICE });
  const passed = FrameClient.dial(port);
  expect(await passed.call('a')).toBe('sidecar a');
  it.controlPlane.routes('v2');
  const served = FrameClient.dial(port);
  expect(await served.call('b')).toBe('10.0.0.2 b');
  expect(await passed.call('c')).toBe('sidecar c');
  passed.stream.end();
  served.stream.end();
});

test('a stream that the configuration sends to the sidecar stays there', async () => {
  const it = placedWorld({ sidecar: { ports: PORTS }, placement: 'sidecar' });
  it.controlPlane.routes('v2');
  const client = new FrameClient(it.mesh.connect(DEMO.host, DEMO.port));
  for (const payload of ['a', 'b']) {
    expect(await client.call(payload)).toBe(`sidecar ${payload}`);
    await turn();
  }
});

test('what nobody here can read: by the sidecar, and refused without one', async () => {
  const it = placedWorld({ sidecar: { ports: PORTS } }, unreadable);
  it.controlPlane.nothing();
  const listener = await it.mesh.listen({ port: 0, service: SERVICE });
  const client = FrameClient.dial(listener.port);
  expect(await client.call('a')).toBe('sidecar a');
  client.stream.end();
  expect(await it.call()).toBe('NO_SERVICE'); // a call must be encoded
  const none = placedWorld({}, unreadable);
  none.controlPlane.nothing();
  expect(await whole(none.mesh.connect(DEMO.host, DEMO.port))).toContain('NO_SIDECAR: demo.test:9000 needs a sidecar');
  await expect(none.mesh.listen({ port: 0, service: SERVICE })).rejects.toThrow('NO_SERVICE: cannot listen');
  expect(none.network.dialled).toEqual([]);
});

test('a refusal is told in the words of the protocol, where it is known', async () => {
  const it = placedWorld({}, strict);
  it.controlPlane.nothing();
  const client = new FrameClient(it.mesh.connect(DEMO.host, DEMO.port));
  expect(await client.call('a')).toContain('error: NO_SIDECAR');
  it.source.set(demoService);
  expect(await client.call('b')).toMatch(/^10/);
});

test.each([
  ['fail', 'NO_RULES: no rules within 10000 ms from rds; other.test:9000 is described by no rule'],
  ['direct', 'named'],
] as const)('rules that did not come in time, onNoRules %s: a stream that waited', async (onNoRules, expected) => {
  const it = placedWorld({ onNoRules });
  it.network.listen({ host: 'other.test', port: 9000 }, (socket) => void socket.end('named'));
  const stream = it.mesh.connect('other.test', 9000);
  const end = whole(stream);
  await turn();
  expect(it.network.dialled).toEqual([]);
  it.runtime.advance(10_000);
  expect(await end).toBe(expected);
  stream.destroy();
});

test('a sidecar that refuses the connection: the client sees its stream close, and the mesh holds nothing', async () => {
  const it = placedWorld({ placement: 'sidecar', sidecar: { ports: { 'demo.test:9000': 1 } } });
  it.controlPlane.nothing();
  const stream = it.mesh.connect(DEMO.host, DEMO.port);
  stream.on('error', () => {});
  stream.write('hello');
  await new Promise((resolve) => stream.once('close', resolve));
  expect(await it.call()).toBe('CONNECT_FAILED');
});
