import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { config } from 'rxjs';
import { Call, type Interceptor, type MeshOptions } from '../../src/index.js';
import type { Sharing } from '../../src/message/index.js';
import { frame, frameProtocol, KIND } from '../connection/support/frame-protocol.js';
import { frontScene, paired, reply } from './front-scene.js';
import { close, QUIET, quiet, sizes, turn } from './scene.js';
import { demoService, policy, router } from './support.js';

const limit = (tokens: number) =>
  router(`localRateLimit: { tokenBucket: { maxTokens: ${tokens}, tokensPerFill: 1, fillInterval: 60s } }`);

describe('what passes and what does not', () => {
  test('calls reach the app over one stream; what is refused is answered and does not', async () => {
    const { app, dial, mesh } = await frontScene(demoService + limit(2));
    const client = dial();
    expect(await Promise.all(['a', 'b'].map((it) => client.call(it)))).toEqual(['a', 'b']);
    expect(await client.call('c')).toBe("error: RATE_LIMITED: request '3' has been rate limited");
    expect([app.payloads, app.streams.length]).toEqual([['a', 'b'], 1]);
    expect(quiet(mesh)).toEqual(QUIET);
  });

  test('the limit is that of the port, and each client has its replies', async () => {
    const { app, dial } = await frontScene(demoService + limit(5));
    const clients = [dial(), dial(), dial()];
    const answers = await Promise.all(clients.flatMap((it, i) => [it.call(`${i}/0`), it.call(`${i}/1`)]));
    expect(answers.filter((it) => it.includes('RATE_LIMITED'))).toHaveLength(1);
    for (const [i, answer] of answers.entries()) {
      if (!answer.startsWith('error')) expect(answer).toBe(`${Math.floor(i / 2)}/${i % 2}`);
    }
    expect([app.streams.length, app.requests.length]).toEqual([3, 5]);
    expect(clients.map((it) => it.stray)).toEqual([0, 0, 0]);
  });

  test('one-way requests reach the app, and nobody gets an answer', async () => {
    const { app, dial } = await frontScene();
    const client = dial();
    client.oneway('ping');
    expect(await client.call('x')).toBe('x');
    expect([app.payloads, client.stray]).toEqual([['ping', 'x'], 0]);
  });

  test('the app has its connection before the client has said anything', async () => {
    const { app, dial } = await frontScene();
    dial();
    await app.until(() => app.streams.length === 1);
  });

  test('bytes that are not of the protocol close the client, and the app sees the end', async () => {
    const { app, dial } = await frontScene();
    const client = dial();
    expect(await client.call('a')).toBe('a');
    client.stream.write('garbage that is long enough to be read');
    await client.ended;
    client.stream.end();
    await app.until(() => app.streams[0]!.readableEnded);
    expect(app.payloads).toEqual(['a']);
  });

  test('interceptors see who calls; a call that one makes in its place reaches the same app stream', async () => {
    const seen: (string | undefined)[] = [];
    const instead: Interceptor = {
      name: 'instead',
      direction: 'inbound',
      intercept: (call, next) => {
        seen.push(call.peer?.address);
        return next(new Call(call.request, call.protocol, call.destination, { reply() {}, fail() {} }));
      },
    };
    const { dial } = await frontScene(demoService, { interceptors: [instead] });
    const client = dial();
    expect(await client.call('a')).toBe('a');
    expect(seen).toEqual([`127.0.0.1:${(client.stream as Socket).localPort}`]);
  });
});

describe('whom it governs', () => {
  test('a port that rules describe, as they come and go; what was accepted stays as it is', async () => {
    const { mesh, front, source, dial, app } = await frontScene('', {}, { port: 9000, service: 'demo.test:9000' });
    expect([front.governed, front.service]).toEqual([false, undefined]);
    expect(mesh.status.ports).toEqual([]);
    const before = dial();
    expect(await before.call('plain')).toBe('plain');
    source.set(demoService + limit(1));
    expect([front.governed, front.service]).toEqual([true, 'demo.test:9000']);
    const governed = dial();
    expect(await governed.call('a')).toBe('a');
    expect(await governed.call('b')).toContain('RATE_LIMITED');
    expect(await before.call('still plain')).toBe('still plain');
    source.set('');
    expect(front.governed).toBe(false);
    expect(await governed.call('without limits')).toBe('without limits');
    expect(app.streams.length).toBe(2);
    expect(paired(front)).toEqual({ clients: 1, gates: 1 });
    governed.stream.destroy();
    await app.until(() => app.streams[1]!.closed);
    expect(paired(front)).toEqual({ clients: 0, gates: 0 });
  });

  test("without a name: the service that has an endpoint of this port at the node's address", async () => {
    const rules = demoService + limit(1);
    const here: Partial<MeshOptions> = { node: { addresses: ['10.0.0.2'] } };
    const { front, dial } = await frontScene(rules, here, { port: 9000 });
    expect(front.service).toBe('demo.test:9000');
    const client = dial();
    expect([await client.call('a'), await client.call('b')]).toEqual(['a', expect.stringContaining('RATE_LIMITED')]);
    expect((await frontScene(rules, here, { port: 9001 })).front.governed).toBe(false);
    expect((await frontScene(rules, {}, { port: 9000 })).front.governed).toBe(false);
  });

  test('not a service of another protocol, which is told of', async () => {
    const told: string[] = [];
    const logger = { debug() {}, info() {}, error() {}, warn: (message: string) => void told.push(message) };
    const { front, dial } = await frontScene(demoService.replace('-frame', '-mysql'), { logger });
    expect(front.governed).toBe(false);
    expect(told.at(-1)).toBe(
      "port 9000 is served past the rules of demo.test:9000: it speaks 'mysql'; there are: frame",
    );
    expect(await dial().call('a')).toBe('a');
    expect(() => front.accept(undefined as never, undefined as never, undefined as never)).toThrow(
      'no rule governs port 9000 now',
    );
  });

  test('nothing once it is closed; what was accepted goes on', async () => {
    const { mesh, front, dial, app } = await frontScene();
    const client = dial();
    expect(await client.call('a')).toBe('a');
    const port = { direction: 'inbound', host: undefined, port: 9000 } as const;
    expect(mesh.status.ports).toEqual([{ ...port, service: 'demo.test:9000', connections: 1 }]);
    front.close();
    expect(front.governed).toBe(false);
    expect(mesh.status.ports).toEqual([]);
    expect(await client.call('b')).toBe('b');
    expect(await dial().call('c')).toBe('c');
    expect(app.streams.length).toBe(2);
    client.stream.destroy();
    await app.until(() => app.streams[0]!.closed);
    expect(paired(front)).toEqual({ clients: 0, gates: 0 });
  });

  test('nothing once the mesh is closed, of a front that is made after that too', async () => {
    const thrown: unknown[] = [];
    config.onUnhandledError = (error) => thrown.push(error);
    const { mesh, runtime } = await frontScene();
    await close(mesh, runtime);
    expect(mesh.front({ port: 9000, service: 'demo.test:9000' }).governed).toBe(false);
    await new Promise((resolve) => setTimeout(resolve)); // as rxjs reports
    config.onUnhandledError = null;
    expect(thrown).toEqual([]);
  });

  test.each([0, -1, 65_536, 1.5])('a port %p is refused', async (port) => {
    const { mesh } = await frontScene();
    expect(() => mesh.front({ port })).toThrow(`port is ${port}`);
  });
});

describe('as the client sent it', () => {
  const protocolOf = (sharing: Sharing, ids = true) => ({
    protocols: [{ ...frameProtocol({ sharing, ids }), name: 'frame' }],
  });

  test.each<[Sharing, boolean]>([
    ['multiplexed', true],
    ['pipelined', true],
    ['pipelined', false],
    ['exclusive', true],
    ['exclusive', false],
  ])('%s, ids %p: all calls are at the app at once, on one stream', async (sharing, ids) => {
    const { app, dial } = await frontScene(demoService, protocolOf(sharing, ids));
    app.script = () => {};
    const client = dial();
    const order: string[] = [];
    if (ids) {
      for (const it of ['a', 'b', 'c']) void client.call(it).then((answer) => order.push(answer));
    } else {
      client.stream.on('data', (chunk: Buffer) => order.push(...chunk.toString().match(/[abc]/g)!));
      for (const it of ['a', 'b', 'c']) client.stream.write(frame(KIND.request, 0, 0, it));
    }
    await app.until(() => app.requests.length === 3);
    expect(app.streams.length).toBe(1);
    // As they are done, where ids tell; where replies come in order, the mesh keeps it towards the client.
    const done = sharing === 'pipelined' || !ids ? [0, 1, 2] : [2, 0, 1];
    for (const i of done) app.streams[0]!.write(reply(app.requests[i]!));
    while (order.length < 3) await turn();
    expect(order).toEqual(sharing === 'multiplexed' ? ['c', 'a', 'b'] : ['a', 'b', 'c']);
  });
});

test('while rules change under load no call is lost, refused or crossed, and the app keeps its streams', async () => {
  const { app, dial, source, mesh, front } = await frontScene();
  app.script = (request, stream) => void setImmediate(() => stream.write(reply(request)));
  const clients = Array.from({ length: 8 }, dial);
  const calls: Promise<[string, string]>[] = [];
  for (let round = 0; round < 50; round++) {
    for (const [i, client] of clients.entries()) {
      const payload = `${i}/${round}`;
      calls.push(client.call(payload).then((answer) => [payload, answer]));
    }
    source.set(demoService + (round % 2 === 0 ? policy(`timeout: ${round + 1}s`) : limit(100_000)));
    await turn();
  }
  for (const [payload, answer] of await Promise.all(calls)) expect(answer).toBe(payload);
  expect([app.streams.length, paired(front)]).toEqual([8, { clients: 8, gates: 1 }]);
  expect(quiet(mesh)).toEqual(QUIET);
});

test('600 clients leave nothing', async () => {
  const { app, dial, mesh, front } = await frontScene(demoService + limit(1_000_000));
  const first = dial();
  expect(await first.call('warm')).toBe('warm');
  first.stream.destroy();
  await app.until(() => app.streams.every((it) => it.closed));
  const before = sizes(mesh);
  for (let round = 0; round < 12; round++) {
    const clients = Array.from({ length: 50 }, dial);
    await Promise.all(clients.map((it) => it.call('x')));
    for (const [i, { stream }] of clients.entries()) {
      if (i % 3 === 0) stream.end();
      else if (i % 3 === 1) (stream as Socket).resetAndDestroy();
      else app.streams.at(-1 - i)!.destroy();
    }
    for (const { stream } of clients) if (!stream.closed) stream.end();
    await Promise.all(clients.map((it) => it.stream.closed || once(it.stream, 'close')));
  }
  await app.until(() => app.streams.every((it) => it.closed));
  await turn();
  expect([app.streams.length, sizes(mesh), paired(front)]).toEqual([601, before, { clients: 0, gates: 1 }]);
  expect(quiet(mesh)).toEqual(QUIET);
});
