import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { plainTransport } from '../../src/connection/index.js';
import type { MeshOptions } from '../../src/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { FrameClient } from './frame-client.js';
import { DEMO, demoService, router, type World, world } from './support.js';

const SERVICE = 'demo.test:9000';
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function start(yaml?: string, options: Partial<MeshOptions> = {}): World {
  const it = world(yaml, options);
  closing.push(() => it.mesh.close({ drainMs: 0 }));
  return it;
}

/** A plain server on a real port that knows nothing of the test protocol. */
async function tcpServer(serve: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
  const server = createServer({ allowHalfOpen: true }, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return { port: (server.address() as { port: number }).port, server };
}

/** Waits until the other side of an event loop turn, so that what is under way in memory has moved on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('connect', () => {
  test('a client library calls through the stream; its replies are its own; half-closing keeps them', async () => {
    const { mesh, server } = start(demoService);
    server('10.0.0.1');
    server('10.0.0.2');
    const client = new FrameClient(mesh.connect(DEMO.host, DEMO.port));
    const payloads = Array.from({ length: 200 }, (_, i) => `${i}:${'x'.repeat(i * 7)}`);
    const answers = payloads.map((payload) => client.call(payload));
    client.stream.end();
    const got = await Promise.all(answers);
    expect(got.map((it) => it.slice(9))).toEqual(payloads);
    const hosts = got.map((it) => it.slice(0, 8));
    expect(hosts.filter((it) => it === '10.0.0.1')).toHaveLength(100);
    await client.ended;
    expect(client.stray).toBe(0);
    expect(mesh.status.activeCalls).toBe(0);
  });

  test('a refusal is answered in the words of the protocol, and the connection goes on', async () => {
    const { mesh, source, server } = start(demoService);
    server('10.0.0.1');
    server('10.0.0.2');
    await mesh.ready();
    const client = new FrameClient(mesh.connect(DEMO.host, DEMO.port));
    source.set(
      demoService +
        router(
          'routes: [{ route: [{ destination: { host: demo.test, subset: v1 }, weight: 0 }, { destination: { host: demo.test, subset: v2 }, weight: 0 }] }]',
        ),
    );
    expect(await client.call('x')).toContain('error: NO_CLUSTER');
    source.set(demoService);
    expect(await client.call('x')).toMatch(/^10.0.0.\d x$/);
  });

  test('before the first rules what is written waits', async () => {
    const { mesh, source, server } = start();
    server('10.0.0.1');
    server('10.0.0.2');
    const client = new FrameClient(mesh.connect(DEMO.host, DEMO.port));
    const answer = client.call('early');
    await turn();
    source.set(demoService);
    expect(await answer).toMatch(/^10.0.0.\d early$/);
  });

  test('before the first rules, and the mesh closes: the stream ends and nothing waits', async () => {
    const runtime = new ManualRuntime();
    const { mesh } = start(undefined, { runtime });
    const client = new FrameClient(mesh.connect(DEMO.host, DEMO.port));
    const answer = client.call('early');
    const ready = mesh.ready().then(
      () => 'ready',
      (error: Error) => error.message,
    );
    await mesh.close({ drainMs: 0 });
    expect(await answer).toBe('closed');
    expect(await ready).toContain('closed');
    expect(runtime.pending).toBe(0);
  });

  test('a client that went away before the first rules does not hold up closing the mesh', async () => {
    const { mesh, source } = start();
    mesh.connect(DEMO.host, DEMO.port).destroy();
    source.set(demoService);
    await mesh.ready();
    await mesh.close();
  });

  test('after the mesh was closed the stream is closed at once', async () => {
    const { mesh } = start(demoService);
    await mesh.close({ drainMs: 0 });
    const stream = mesh.connect(DEMO.host, DEMO.port);
    const error = new Promise<Error>((resolve) => stream.once('error', resolve));
    expect((await error).message).toContain('DRAINING');
  });

  test('where nobody describes it: plain TCP, byte for byte, half-closed as TCP is', async () => {
    const { mesh } = start(demoService, { transport: plainTransport });
    await mesh.ready();
    const { port } = await tcpServer((socket) => {
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(chunk as Buffer));
      socket.on('end', () => socket.end(Buffer.concat(chunks).reverse()));
    });
    const stream = mesh.connect('127.0.0.1', port);
    const sent = Buffer.alloc(1_000_003, 'no frame at all ');
    const got: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => got.push(chunk));
    stream.end(sent);
    await new Promise((resolve) => stream.once('end', resolve));
    expect(Buffer.concat(got).equals(Buffer.from(sent).reverse())).toBe(true);
  });

  test('where nobody describes it and nobody listens, the client sees a stream that closes', async () => {
    const { mesh } = start(demoService);
    await mesh.ready();
    const stream = mesh.connect('10.9.9.9', 1);
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.on('error', () => {});
    stream.write('hello');
    await closed;
  });

  test('closing the mesh ends what it passes through', async () => {
    const { mesh } = start(demoService, { transport: plainTransport });
    await mesh.ready();
    const { port } = await tcpServer((socket) => void socket.on('end', () => socket.end()).resume());
    const stream = mesh.connect('127.0.0.1', port);
    stream.on('error', () => {});
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.write('hello');
    await turn();
    await mesh.close({ drainMs: 0 });
    await closed;
  });
});

describe('listen', () => {
  test('any free port; two clients, each its own replies', async () => {
    const { mesh, server } = start(demoService);
    server('10.0.0.1');
    server('10.0.0.2');
    const listener = await mesh.listen({ port: 0, service: SERVICE });
    const clients = [FrameClient.dial(listener.port), FrameClient.dial(listener.port)];
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => clients[i % 2]!.call(`${i % 2} ${i}`)));
    expect(answers.map((it) => it.slice(9))).toEqual(Array.from({ length: 100 }, (_, i) => `${i % 2} ${i}`));
    expect(clients.map((it) => it.stray)).toEqual([0, 0]);
    const { port } = listener;
    expect(mesh.status.ports).toEqual([
      { direction: 'outbound', host: '127.0.0.1', port, service: SERVICE, connections: 2 },
    ]);
    for (const client of clients) client.stream.destroy();
  });

  test('closing lets what is under way be answered, and accepts no more', async () => {
    const { mesh, server } = start(demoService);
    let answer!: (payload: string) => void;
    const arrived = new Promise<void>((resolve) => {
      server('10.0.0.1', (_payload, later) => {
        answer = later;
        resolve();
        return undefined;
      });
    });
    const listener = await mesh.listen({ port: 0, service: SERVICE });
    const { port } = listener;
    const client = FrameClient.dial(port);
    const underWay = client.call('x');
    await arrived;
    const closed = listener.close(10_000);
    expect(await FrameClient.dial(port).call('y')).toBe('closed');
    answer('late');
    expect(await underWay).toBe('late');
    client.stream.end();
    await closed;
    expect(mesh.status.ports).toEqual([]);
  });

  test('a service that nobody describes, or that is none, is refused by name', async () => {
    const { mesh } = start(demoService.replace('metaprotocol-frame', 'metaprotocol-other'));
    await expect(mesh.listen({ port: 0, service: 'nowhere.test:1' })).rejects.toThrow(
      'NO_SERVICE: cannot listen for nowhere.test:1: no rule describes it',
    );
    await expect(mesh.listen({ port: 0, service: SERVICE })).rejects.toThrow('NO_SERVICE');
    for (const bad of ['demo.test', 'demo.test:', 'demo.test:http', ':80', 'demo.test:0', 'demo.test:70000']) {
      await expect(mesh.listen({ port: 0, service: bad })).rejects.toThrow(`service '${bad}' is not <host>:<port>`);
    }
  });

  test('a port that is taken is refused with its number', async () => {
    const { mesh } = start(demoService);
    const { port } = await mesh.listen({ port: 0, service: SERVICE });
    await expect(mesh.listen({ port, service: SERVICE })).rejects.toThrow(`EADDRINUSE`);
  });

  test('waits for the first rules; where the mesh closes before, it says so', async () => {
    const first = start();
    const listening = first.mesh.listen({ port: 0, service: SERVICE });
    first.source.set(demoService);
    expect((await listening).port).toBeGreaterThan(0);

    const second = start(undefined, { runtime: new ManualRuntime() });
    const told = [
      second.mesh.listen({ port: 0, service: SERVICE }),
      second.mesh.serve({ port: 0, handler: () => undefined }),
    ].map((it) => expect(it).rejects.toThrow('DRAINING'));
    await second.mesh.close();
    await Promise.all(told);
    await expect(second.mesh.listen({ port: 0, service: SERVICE })).rejects.toThrow('DRAINING');
  });

  test('a client that idles does not hold up closing the mesh', async () => {
    const { mesh, server } = start(demoService);
    server('10.0.0.1');
    server('10.0.0.2');
    const { port } = await mesh.listen({ port: 0, service: SERVICE });
    const client = FrameClient.dial(port);
    await client.call('x');
    const closed = mesh.close();
    await client.ended;
    client.stream.end();
    await closed;
  });
});
