import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, get } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { createServer as createHttpsServer, get as getHttps } from 'node:https';
import { connect, createServer, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { installInbound } from '../../../../adapters/hosts/register/inbound.js';
import { isServerSocket } from '../../../../adapters/hosts/register/server-socket.js';
import { QUIET, quiet, sizes } from '../../../mesh/scene.js';
import { message, payloadOf } from '../../../mesh/support.js';
import { freePort } from '../../../support/free-ports.mjs';
import {
  FrameClient,
  frameServer,
  type Installed,
  install,
  listening,
  reply,
  rulesOf,
  serveFrames,
} from './support/served.js';

const pem = (name: string) => readFileSync(new URL(`../../../support/certificates/${name}`, import.meta.url), 'utf8');
const certificate = { key: pem('server.key'), cert: pem('server.pem') };
const trusting = { rejectUnauthorized: false };

let installed: Installed;
const closing: (() => void)[] = [];
beforeEach(async () => {
  installed = await install();
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await installed.close();
});

/** Listens, and is closed after the test. */
async function open<S extends Server>(server: S, port = 0): Promise<number> {
  closing.push(() => server.close());
  return listening(server, port);
}

function dial(port: number): FrameClient {
  const client = FrameClient.dial(port);
  closing.push(() => client.stream.destroy());
  return client;
}

test('a server that knows nothing of the mesh is limited by its rules, and never sees what is refused', async () => {
  const seen: string[] = [];
  const server = frameServer((request, stream) => {
    seen.push(request.get('payload')!);
    stream.write(reply(request));
  });
  const port = await open(server);
  installed.source.set(rulesOf(port, 2));
  expect(installed.inbound.ports).toEqual([{ port, service: 'demo.test:9000' }]);
  const clients = [dial(port), dial(port)];
  const answers = [await clients[0]!.call('a'), await clients[1]!.call('b'), await clients[0]!.call('c')];
  expect(answers).toEqual(['a', 'b', expect.stringContaining('error: RATE_LIMITED')]);
  expect(seen).toEqual(['a', 'b']);
  const metric = installed.mesh.metrics().find(({ name }) => name === 'requests_total')!;
  expect(metric.samples.map(({ labels, value }) => [labels.outcome, value])).toContainEqual(['ok', 2]);
});

test('a server that listened before, and one that listens again elsewhere', async () => {
  await installed.close();
  const server = frameServer();
  let port = await open(server);
  installed = await install();
  installed.source.set(rulesOf(port, 1));
  const [client, before] = [dial(port), installed.inbound.ports];
  expect([await client.call('a'), (await client.call('b')).slice(0, 19)]).toEqual(['a', 'error: RATE_LIMITED']);
  expect([before, installed.inbound.ports]).toEqual([[], [{ port, service: 'demo.test:9000' }]]);
  client.stream.destroy();
  server.close();
  await once(server, 'close');
  expect(installed.inbound.ports).toEqual([]);
  port = await listening(server);
  const elsewhere = dial(port);
  expect([await elsewhere.call('a'), await elsewhere.call('b')]).toEqual(['a', 'b']);
});

test('two servers of one port, on two addresses, share its limit', async () => {
  if (process.platform !== 'linux') {
    console.warn(`skipped: ${process.platform} has no 127.0.0.2 of itself`);
    return;
  }
  const first = frameServer();
  const port = await open(first);
  const second = frameServer();
  closing.push(() => second.close());
  await once(second.listen(port, '127.0.0.2'), 'listening');
  installed.source.set(rulesOf(port, 1));
  const other = new FrameClient(connect({ port, host: '127.0.0.2', allowHalfOpen: true }));
  closing.push(() => other.stream.destroy());
  expect(await dial(port).call('a')).toBe('a');
  expect(await other.call('b')).toContain('RATE_LIMITED');
  first.close();
  expect(await other.call('c')).toContain('RATE_LIMITED');
});

test("what was accepted before a rule came is the app's own; what comes after it is governed", async () => {
  const port = await open(frameServer());
  const before = dial(port);
  expect(await before.call('a')).toBe('a');
  installed.source.set(rulesOf(port, 1));
  const after = dial(port);
  expect([await after.call('b'), await after.call('c')]).toEqual(['b', expect.stringContaining('RATE_LIMITED')]);
  expect(await before.call('d')).toBe('d');
});

test('a port that is governed when the app listens is told of, once', async () => {
  const port = await freePort();
  await open(frameServer());
  installed.source.set(rulesOf(port));
  for (const host of ['127.0.0.1', '127.0.0.2']) {
    const server = frameServer();
    closing.push(() => server.close());
    await once(server.listen(port, host), 'listening');
  }
  expect(installed.told).toEqual([{ port, service: 'demo.test:9000' }]);
});

describe('left alone', () => {
  const governs = (port: number) => installed.source.set(rulesOf(port, 1));

  test('a unix socket', async () => {
    const server = frameServer();
    const path = join(tmpdir(), `meltemi-${process.pid}-${Date.now()}.sock`);
    closing.push(() => server.close());
    await once(server.listen(path), 'listening');
    const client = new FrameClient(connect({ path }));
    expect(await client.call('a')).toBe('a');
    client.stream.destroy();
  });

  test('http, https and http2 beside a governed port', async () => {
    const port = await open(frameServer());
    governs(port);
    const http = await open(createHttpServer((request, response) => request.pipe(response)));
    const https = await open(createHttpsServer(certificate, (_request, response) => response.end('https')));
    const http2 = await open(createHttp2Server((_request, response) => response.end('http2')));
    const agent = { agent: false } as const;
    const [overHttp] = await once(get({ port: http, host: '127.0.0.1', ...agent }), 'response');
    expect([overHttp.statusCode, await text(overHttp)]).toEqual([200, '']);
    const secure = getHttps({ port: https, host: '127.0.0.1', ...trusting, ...agent });
    secure.on('error', () => {});
    const [overHttps] = await once(secure, 'response');
    expect(await text(overHttps)).toBe('https');
    const session = connectHttp2(`http://127.0.0.1:${http2}`);
    expect(await text(session.request({ ':path': '/' }))).toBe('http2');
    session.close();
    expect(await dial(port).call('a')).toBe('a');
    expect(installed.warnings).toEqual([]);
  });

  test('a server with TLS on a governed port, with a warning, once', async () => {
    const server = createTlsServer(certificate, (socket) => serveFrames(socket));
    const port = await open(server);
    governs(port);
    for (let i = 0; i < 2; i++) {
      const stream = connectTls({ port, host: '127.0.0.1', ...trusting });
      const client = new FrameClient(stream);
      expect([await client.call('a'), await client.call('b')]).toEqual(['a', 'b']);
      stream.destroy();
    }
    expect(installed.warnings).toEqual([
      `port ${port} is served past the rules of demo.test:9000: its clients speak TLS, which the mesh cannot read`,
    ]);
  });

  test('a server with pauseOnConnect, with a warning', async () => {
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      serveFrames(socket);
      socket.resume();
    });
    const port = await open(server);
    governs(port);
    const client = dial(port);
    expect([await client.call('a'), await client.call('b')]).toEqual(['a', 'b']);
    expect(installed.warnings).toEqual([expect.stringContaining('pauseOnConnect')]);
  });

  test('sockets that the app emits itself: accepted elsewhere, or no sockets at all', async () => {
    const governed = frameServer();
    const port = await open(governed);
    governs(port);
    const given: boolean[] = [];
    governed.on('connection', (socket) => given.push(isServerSocket(socket)));
    const elsewhere = await open(createServer((socket) => void governed.emit('connection', socket)));
    const client = dial(elsewhere);
    expect([await client.call('a'), await client.call('b')]).toEqual(['a', 'b']);
    governed.emit('connection', new Socket());
    governed.prependOnceListener('connection', (socket) => void governed.emit('connection', socket));
    expect(await dial(port).call('c')).toBe('c');
    expect(given).toEqual([false, false, true, true]);
  });

  test('the listeners of a mesh itself', async () => {
    const { mesh } = installed;
    const listener = await mesh.serve({
      port: 0,
      protocol: 'frame',
      handler: (request) => message('response', payloadOf(request)),
    });
    governs(listener.port);
    const client = dial(listener.port);
    expect([await client.call('a'), await client.call('b')]).toEqual(['a', 'b']);
    expect(installed.inbound.ports).toEqual([]);
    client.stream.destroy();
    await listener.close();
  });
});

describe('beside others who patch', () => {
  const emitOf = () => Object.getOwnPropertyDescriptor(Server.prototype, 'emit');

  test('uninstalled, nothing is left; what is served goes on', async () => {
    const port = await open(frameServer());
    installed.source.set(rulesOf(port, 2));
    const client = dial(port);
    expect(await client.call('a')).toBe('a');
    expect(emitOf()).toBeDefined();
    installed.inbound.undo();
    expect([emitOf(), installed.inbound.ports]).toEqual([undefined, []]);
    expect([await client.call('b'), await client.call('c')]).toEqual(['b', expect.stringContaining('RATE_LIMITED')]);
    const plain = dial(port);
    expect([await plain.call('a'), await plain.call('b'), await plain.call('c')]).toEqual(['a', 'b', 'c']);
  });

  test('who patched before is called, and who patched after is not undone', async () => {
    installed.inbound.undo();
    const before = emitOf();
    const seen: string[] = [];
    const patch = (name: string) => {
      const next = Server.prototype.emit as (this: Server, ...args: unknown[]) => boolean;
      (Server.prototype as { emit: unknown }).emit = function (this: Server, ...args: unknown[]) {
        if (args[0] === 'connection') seen.push(`${name} ${isServerSocket(args[1] as Socket)}`);
        return next.apply(this, args);
      };
    };
    patch('before');
    const inbound = installInbound({ mesh: installed.mesh, warn() {} });
    patch('after');
    const port = await open(frameServer());
    installed.source.set(rulesOf(port, 1));
    const client = dial(port);
    expect([await client.call('a'), await client.call('b')]).toEqual(['a', expect.stringContaining('RATE_LIMITED')]);
    expect(seen).toEqual(['after false', 'before true']);
    inbound.undo();
    const plain = dial(port);
    expect([await plain.call('a'), await plain.call('b')]).toEqual(['a', 'b']);
    expect(seen.slice(2)).toEqual(['after false', 'before false']);
    delete (Server.prototype as { emit?: unknown }).emit;
    if (before !== undefined) Object.defineProperty(Server.prototype, 'emit', before);
  });
});

test('2,000 connections, opened and closed in every way, leave nothing', async () => {
  const sockets = new Set<Socket>();
  const server = frameServer();
  let opened = 0;
  server.on('connection', (socket) => {
    opened++;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const port = await open(server);
  installed.source.set(rulesOf(port));
  const round = async (clients: number) => {
    const dialled = Array.from({ length: clients }, () => FrameClient.dial(port));
    await Promise.all(dialled.map((it) => it.call('x')));
    const accepted = [...sockets];
    for (const [i, { stream }] of dialled.entries()) {
      if (i % 4 === 0) stream.end();
      else if (i % 4 === 1) (stream as Socket).resetAndDestroy();
      else if (i % 4 === 2) accepted[i]!.destroy();
      else accepted[i]!.end();
    }
    for (const { stream } of dialled) if (!stream.destroyed) stream.end();
    await Promise.all(dialled.map((it) => it.closed));
    while (sockets.size > 0) await once([...sockets][0]!, 'close');
  };
  await round(4);
  await new Promise((resolve) => setImmediate(resolve));
  const before = sizes(installed.mesh);
  for (let i = 0; i < 20; i++) await round(100);
  await new Promise((resolve) => setImmediate(resolve));
  expect([opened, sizes(installed.mesh), quiet(installed.mesh)]).toEqual([2_004, before, QUIET]);
  expect(await new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))).toBe(0);
});

test('a client and a server of one process talk through both ends', async () => {
  const port = await open(frameServer());
  installed.source.set(rulesOf(port, 2));
  // The client's end is the mesh's too: outbound to the endpoint, and from there inbound.
  const client = new FrameClient(installed.mesh.connect('demo.test', 9000));
  await once(client.stream, 'connect');
  expect([await client.call('a'), await client.call('b')]).toEqual(['a', 'b']);
  expect(await client.call('c')).toContain('RATE_LIMITED');
  client.stream.destroy();
});
