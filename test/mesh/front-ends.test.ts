import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { frame, frameProtocol, KIND } from '../connection/support/frame-protocol.js';
import { FrameClient } from './frame-client.js';
import { echo, type FrontScene, frontScene, reply } from './front-scene.js';
import { meanwhile, QUIET, quiet, turn } from './scene.js';
import { demoService } from './support.js';

/** A client with a call at the app that is not answered yet. */
async function calling(scene: FrontScene, payload = 'x') {
  const { app } = scene;
  app.script = () => {};
  const client = scene.dial();
  const answer = client.call(payload);
  await app.until(() => app.requests.length > 0);
  return { client, answer, stream: app.streams[0]!, request: app.requests[0]! };
}

describe('the client', () => {
  test('ends: it gets its replies, then the app sees the end, and both are closed', async () => {
    const it = await frontScene();
    const { client, answer, stream, request } = await calling(it);
    client.stream.end();
    await once(it.accepted[0]!, 'end');
    expect(stream.readableEnded).toBe(false);
    stream.write(reply(request));
    expect(await answer).toBe('x');
    await client.closed;
    await it.app.until(() => stream.closed);
    expect([stream.readableEnded, stream.errored]).toEqual([true, null]);
    expect(quiet(it.mesh)).toEqual(QUIET);
  });

  test('ends, and the app never answers: after 5 s it sees the end, and what it says to that holds', async () => {
    const it = await frontScene();
    const { client, answer, stream } = await calling(it);
    client.stream.end();
    await once(it.accepted[0]!, 'end');
    it.runtime.advance(4_900);
    await turn();
    expect(stream.readableEnded).toBe(false);
    it.runtime.advance(100);
    await it.app.until(() => stream.readableEnded);
    expect(await meanwhile(it.runtime, answer)).toContain('error: CONNECTION_LOST');
    await meanwhile(it.runtime, client.closed);
    expect(quiet(it.mesh)).toEqual(QUIET);
  });

  test('resets: so does the connection of the app, and its calls are over', async () => {
    const it = await frontScene();
    const { client, stream } = await calling(it);
    (client.stream as Socket).resetAndDestroy();
    await it.app.until(() => stream.closed);
    expect(stream.errored).toMatchObject({ code: 'ECONNRESET' });
    expect(quiet(it.mesh)).toEqual(QUIET);
  });

  test('takes no more replies: the app is held back, as by a socket, also within a turn, and nothing is lost', async () => {
    const it = await frontScene();
    const { client, stream } = await calling(it);
    const total = 100;
    for (let i = 1; i < total; i++) void client.call('y');
    await it.app.until(() => it.app.requests.length === total);
    client.stream.pause();
    const replies = it.app.requests.map((request) => reply(request, 'z'.repeat(500_000)));
    let written = 0;
    const writing = (async () => {
      for (const each of replies) {
        written++;
        if (!stream.write(each)) await once(stream, 'drain');
      }
    })();
    const accepted = it.accepted[0]!;
    await still(() => accepted.bytesWritten);
    expect(written).toBeLessThan(total / 2);
    const totalBytes = Buffer.concat(replies).length;
    let bytes = 0;
    const all = new Promise<void>((resolve) => {
      client.stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes === totalBytes) resolve();
      });
    });
    client.stream.resume();
    await Promise.all([all, writing]);
    expect([client.stray, accepted.destroyed]).toEqual([0, false]);
  });

  test.each(['request', 'oneway'] as const)('sends more than the app reads (%s): it is held back', async (kind) => {
    const it = await frontScene();
    const { client, stream } = await calling(it);
    it.app.script = echo;
    stream.pause();
    const piece = Buffer.concat(Array.from({ length: 10 }, () => frame(KIND[kind], 0, 9, 'q'.repeat(100_000))));
    for (let i = 0; i < 50; i++) client.stream.write(piece);
    const accepted = it.accepted[0]!;
    await still(() => accepted.bytesRead);
    expect(accepted.bytesRead).toBeLessThan(35 * piece.length);
    stream.resume();
    await it.app.until(() => it.app.requests.length === 501);
  });
});

/** Waits until nothing moves any more. */
async function still(count: () => number): Promise<void> {
  let before = -1;
  for (let turns = 0; turns < 200; turns++) {
    if (count() !== before) turns = 0;
    before = count();
    await turn();
  }
}

describe('the app', () => {
  test('ends after its replies: the client has them, and is closed', async () => {
    const it = await frontScene();
    const { client, answer, stream, request } = await calling(it);
    stream.end(reply(request, 'bye'));
    expect(await answer).toBe('bye');
    await client.ended;
    client.stream.end();
    await it.app.until(() => stream.closed);
    expect([stream.readableEnded, stream.errored]).toEqual([true, null]);
  });

  test('writes its reply and destroys its connection: the client has the reply', async () => {
    const it = await frontScene();
    const { client, answer, stream, request } = await calling(it);
    stream.write(reply(request, 'last words'), () => stream.destroy());
    expect(await answer).toBe('last words');
    await client.ended;
  });

  test('ends with calls under way: these are answered with an error, then the client is closed', async () => {
    const it = await frontScene();
    const { client, answer, stream } = await calling(it);
    stream.destroy();
    expect(await answer).toContain('error: CONNECTION_LOST: app:9000');
    await client.ended;
    expect(quiet(it.mesh)).toEqual(QUIET);
  });

  test('destroys its connection as soon as it has it: so is the client', async () => {
    const it = await frontScene();
    it.app.serve = (stream) => void stream.destroy();
    const client = it.dial();
    await client.ended;
  });

  test('says what is not of the protocol: the call fails, and both are closed', async () => {
    const it = await frontScene();
    const { client, answer, stream } = await calling(it);
    stream.write('this is not a reply at all');
    expect(await answer).toContain('error: BAD_REPLY');
    await client.ended;
    await it.app.until(() => stream.closed);
  });
});

describe('an idle connection', () => {
  const heartbeats = { protocols: [{ ...frameProtocol({ heartbeats: true }), name: 'frame' }] };

  test.each([['with', heartbeats] as const, ['without', {}] as const])(
    'lives as long as its client, %s heartbeats: nothing is said to the app in a day',
    async (_with, options) => {
      const it = await frontScene(demoService, options);
      const client = it.dial();
      expect(await client.call('a')).toBe('a');
      for (let hour = 0; hour < 24; hour++) {
        it.runtime.advance(3_600_000);
        await turn();
      }
      expect(await client.call('b')).toBe('b');
      expect([it.app.payloads, it.app.streams.length]).toEqual([['a', 'b'], 1]);
    },
  );

  test('calls that run out of time leave it alone, and their late replies reach nobody', async () => {
    const timed = { ...frameProtocol(), name: 'frame', deadline: () => 100 };
    const it = await frontScene(demoService, { protocols: [timed] });
    const { client, answer, stream, request } = await calling(it);
    const others = Array.from({ length: 9 }, () => client.call('y'));
    await it.app.until(() => it.app.requests.length === 10);
    for (const each of [answer, ...others]) expect(await meanwhile(it.runtime, each)).toContain('error: DEADLINE');
    it.runtime.advance(60_000);
    stream.write(reply(request, 'late'));
    it.app.script = echo;
    expect(await client.call('z')).toBe('z');
    expect([client.stray, it.app.streams.length]).toEqual([0, 1]);
  });

  test("a client's heartbeats are answered by the app, and the app's by the client", async () => {
    const it = await frontScene(demoService, heartbeats);
    const pings: number[] = [];
    it.app.script = (message, stream) => {
      if (message.tag === KIND.ping) stream.write(frame(KIND.pong, message.idHigh, message.idLow, 'by the app'));
      pings.push(message.tag);
    };
    const client = it.dial();
    const said = once(client.stream, 'data');
    client.stream.write(frame(KIND.ping, 7, 9, ''));
    expect((await said)[0]).toEqual(frame(KIND.pong, 7, 9, 'by the app'));
    const asked = once(client.stream, 'data');
    it.app.streams[0]!.write(frame(KIND.ping, 5, 6, ''));
    expect((await asked)[0]).toEqual(frame(KIND.ping, 5, 6, ''));
    client.stream.write(frame(KIND.pong, 5, 6, ''));
    await it.app.until(() => pings.length === 2);
    expect(pings).toEqual([KIND.ping, KIND.pong]);
  });

  test('an event of the app reaches the client, and calls go on', async () => {
    const it = await frontScene();
    const client = it.dial();
    expect(await client.call('a')).toBe('a');
    const said = once(client.stream, 'data');
    it.app.streams[0]!.write(frame(KIND.event, 0, 0, 'drain'));
    expect((await said)[0]).toEqual(frame(KIND.event, 0, 0, 'drain'));
    expect(await client.call('b')).toBe('b');
    expect(it.app.streams.length).toBe(1);
  });
});

test('a mesh that closes lets calls end, closes clients and the streams of the app, and governs nothing more', async () => {
  const it = await frontScene();
  const { client, answer, stream, request } = await calling(it);
  const closed = it.mesh.close({ drainMs: 1_000 });
  expect(it.front.governed).toBe(false);
  stream.write(reply(request));
  expect(await answer).toBe('x');
  client.stream.end();
  await meanwhile(it.runtime, closed);
  await it.app.until(() => stream.closed);
  const later = new FrameClient(it.dial().stream);
  it.app.script = echo;
  expect(await later.call('plain')).toBe('plain');
});
