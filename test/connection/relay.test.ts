import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Reply } from '../../src/call/index.js';
import { inProcessDuplex, Relay, type Successor, serve } from '../../src/connection/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { FrameClient } from '../mesh/frame-client.js';
import { frame, frameProtocol, KIND, message, payloadOf } from './support/frame-protocol.js';

const protocol = frameProtocol();
const runtime = new ManualRuntime();
const turn = () => new Promise((resolve) => setImmediate(resolve));

interface Served {
  /** What it was asked, one-way calls included. */
  readonly seen: string[];
  /** Answers the oldest request that waits. */
  answer(): void;
  readonly waiting: number;
}

/** Serves a stream under a name; requests wait for {@link Served.answer}. */
function server(stream: Duplex, name: string, atOnce = true): Served {
  const seen: string[] = [];
  const waiting: (() => void)[] = [];
  const dispatcher = {
    dispatch: (request: ReturnType<typeof message>, sink: { reply(reply: Reply): void }) => {
      const payload = payloadOf(request);
      seen.push(payload);
      const answer = () => sink.reply(new Reply(message('response', `${name} ${payload}`)));
      if (request.kind === 'request') atOnce ? answer() : waiting.push(answer);
      return { cancel() {} };
    },
  };
  serve(stream, protocol, dispatcher, { runtime });
  return {
    seen,
    answer: () => waiting.shift()!(),
    get waiting() {
      return waiting.length;
    },
  };
}

/** All that is read, of a stream that is not destroyed by it. */
async function whole(stream: Duplex): Promise<string> {
  const parts: unknown[] = [];
  stream.on('data', (chunk) => parts.push(chunk));
  await once(stream, 'end');
  return parts.join('');
}

/** A client, joined with `first`; from the time that it is `wanted` it may be handed to `second`. */
function scene(atOnce = true) {
  const [client, near] = inProcessDuplex();
  const [far, end] = inProcessDuplex();
  const drains: number[] = [];
  const it = { wanted: false, second: undefined as Served | undefined };
  const successor: Successor = {
    protocol,
    wanted: () => it.wanted,
    take: (stream) => {
      it.second = server(stream, 'second');
      return { drain: async (ms) => void drains.push(ms) };
    },
  };
  const relay = new Relay(near, far, runtime, successor);
  const first = server(end, 'first', atOnce);
  return Object.assign(it, { client, end, far, near, relay, first, drains });
}

describe('a relay', () => {
  test('joins streams, half-close included, and destroys the one with the other', async () => {
    const [client, near] = inProcessDuplex();
    const [far, end] = inProcessDuplex();
    const relay = new Relay(near, far, runtime);
    end.pipe(end);
    client.end('ping');
    const parts: string[] = [];
    client.on('data', (chunk) => parts.push(String(chunk)));
    await once(client, 'end');
    expect(parts).toEqual(['ping']);
    client.destroy();
    await relay.closed;

    const [a, b] = inProcessDuplex();
    const [c, d] = inProcessDuplex();
    new Relay(b, c, runtime);
    a.destroy();
    await once(d, 'close');
  });

  test('tells the one why the other is destroyed', async () => {
    const [client, near] = inProcessDuplex();
    const [far, end] = inProcessDuplex();
    for (const stream of [client, end]) stream.on('error', () => {});
    new Relay(near, far, runtime);
    const told = new Promise((resolve) => near.once('error', resolve));
    const refused = new Error('connect ECONNREFUSED');
    far.destroy(refused);
    expect(await told).toBe(refused);
  });

  /** A client within the process, joined with what a server of the system accepted. */
  async function toServer(): Promise<[client: Duplex, accepted: Socket, other: Socket]> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const [client, near] = inProcessDuplex();
    const other = connect((server.address() as { port: number }).port, '127.0.0.1');
    new Relay(near, other, runtime);
    const [accepted] = (await once(server, 'connection')) as [Socket];
    server.close();
    return [client, accepted, other];
  }

  test('a server writes and ends: a client that reads later has it all', async () => {
    const [client, accepted, other] = await toServer();
    // So many that the last wait in the relay, and so few that it reads to the end.
    for (let i = 0; i < 5; i++) {
      accepted.write(Buffer.alloc(20_000, 'x'));
      for (let left = 20_000; left > 0; ) left -= (await once(other, 'data'))[0].length;
    }
    accepted.resume().end();
    await once(other, 'end');
    for (let i = 0; i < 20; i++) await turn();
    expect((await whole(client)).length).toBe(100_000);
    client.end();
    await once(accepted, 'close');
  });

  test('a server ends its side first: what the client sends after that reaches it', async () => {
    const [client, accepted] = await toServer();
    accepted.end('enough');
    expect(await whole(client)).toBe('enough');
    for (let i = 0; i < 20; i++) await turn();
    client.end('more');
    expect(await whole(accepted)).toBe('more');
  });

  test('is cut when its drain is over', async () => {
    const { client, relay } = scene();
    const drained = relay.drain(1000);
    runtime.advance(999);
    expect(client.destroyed).toBe(false);
    runtime.advance(1);
    await drained;
    expect(runtime.pending).toBe(0);
  });
});

describe('a relay with a successor', () => {
  test('is handed over between two calls, and serves the next ones there', async () => {
    const it = scene();
    const left = once(it.end, 'close');
    const client = new FrameClient(it.client);
    expect(await client.call('a')).toBe('first a');
    it.wanted = true;
    expect(await client.call('b')).toBe('first b');
    await it.relay.closed;
    expect(await client.call('c')).toBe('second c');
    expect([it.first.seen, it.second!.seen, client.stray]).toEqual([['a', 'b'], ['c'], 0]);
    await left; // nobody keeps what is not needed
    await it.relay.drain(7);
    expect(it.drains).toEqual([7]);
  });

  test('not while a request is unanswered, nor in the midst of one', async () => {
    const it = scene(false);
    it.wanted = true;
    const client = new FrameClient(it.client);
    const answers = [client.call('a'), client.call('b')];
    await turn();
    it.first.answer();
    await turn();
    expect(it.second).toBeUndefined();
    const half = frame(KIND.request, 0, 99, 'c');
    it.client.write(half.subarray(0, 10));
    await turn();
    it.first.answer();
    await turn();
    expect(await Promise.all(answers)).toEqual(['first a', 'first b']);
    expect(it.second).toBeUndefined();
    it.client.write(half.subarray(10));
    await turn();
    it.first.answer();
    await turn();
    expect([it.first.seen, it.second?.seen]).toEqual([['a', 'b', 'c'], []]);
  });

  test('one-way calls and heartbeats before reach where they were going', async () => {
    const it = scene();
    const client = new FrameClient(it.client);
    it.wanted = true;
    client.oneway('a');
    it.client.write(frame(KIND.ping, 0, 7, ''));
    client.oneway('b');
    await turn();
    await turn();
    client.oneway('c');
    await turn();
    expect([it.first.seen, it.second!.seen]).toEqual([['a', 'b'], ['c']]);
  });

  test.each<[string, (client: Duplex) => void]>([
    ['bytes that are not of the protocol', (client) => void client.write('no frame at all')],
    ['a reply that nobody asked for', (client) => void client.write(frame(KIND.response, 0, 1, ''))],
  ])('%s: it goes on as one without', async (_, spoil) => {
    const [client, near] = inProcessDuplex();
    const [far, end] = inProcessDuplex();
    const take = () => {
      throw new Error('taken over');
    };
    new Relay(near, far, runtime, { protocol, wanted: () => true, take });
    end.pipe(end);
    let got = 0;
    client.on('data', (chunk: Buffer) => {
      got += chunk.length;
    });
    spoil(client);
    await turn();
    client.write(Buffer.alloc(1_000_000));
    while (got < 1_000_000) await turn();
    client.destroy();
  });

  test('not while it drains, nor after the client has ended', async () => {
    const draining = scene();
    draining.wanted = true;
    void draining.relay.drain(1000);
    expect(await new FrameClient(draining.client).call('a')).toBe('first a');
    await turn();
    expect(draining.second).toBeUndefined();
    runtime.advance(1000);

    const ending = scene(false);
    ending.wanted = true;
    const client = new FrameClient(ending.client);
    const answer = client.call('a');
    ending.client.end();
    await turn();
    ending.first.answer();
    expect(await answer).toBe('first a');
    await turn();
    expect(ending.second).toBeUndefined();
  });

  test('however bytes are cut and answers late: each call is answered once, and runs once', async () => {
    const step = fc.record({
      do: fc.constantFrom('call', 'call', 'oneway', 'answer', 'answer', 'turn', 'want'),
      cut: fc.nat({ max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const it = scene(false);
        const client = new FrameClient(it.client);
        const write = it.client.write.bind(it.client);
        let cut = 0;
        it.client.write = ((chunk: Buffer) => {
          const at = cut % (chunk.length + 1);
          if (at > 0) write(chunk.subarray(0, at));
          return write(chunk.subarray(at));
        }) as never;
        const answers: Promise<string>[] = [];
        const sent: string[] = [];
        for (const [i, what] of steps.entries()) {
          cut = what.cut;
          if (what.do === 'call') answers.push(client.call(`${i}`));
          if (what.do === 'oneway') client.oneway(`${i}`);
          if (what.do === 'call' || what.do === 'oneway') sent.push(`${i}`);
          if (what.do === 'answer' && it.first.waiting > 0) it.first.answer();
          if (what.do === 'turn') await turn();
          if (what.do === 'want') it.wanted = true;
        }
        it.wanted = true;
        await turn();
        while (it.first.waiting > 0) {
          it.first.answer();
          await turn();
        }
        answers.push(client.call('last'));
        await turn();
        while (it.first.waiting > 0) {
          it.first.answer();
          await turn();
        }
        answers.push(client.call('served'));
        expect((await Promise.all(answers)).at(-1)).toBe('second served');
        expect([...it.first.seen, ...it.second!.seen]).toEqual([...sent, 'last', 'served']);
        expect(client.stray).toBe(0);
        it.client.destroy();
      }),
      { numRuns: 60 },
    );
  });
});
