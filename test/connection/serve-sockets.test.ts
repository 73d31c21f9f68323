import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { type CallSink, Reply } from '../../src/call/index.js';
import {
  type ConnectionEvent,
  type Downstream,
  type Listener,
  listen,
  type ServeOptions,
  serve,
} from '../../src/connection/index.js';
import { ByteQueue, type Message } from '../../src/message/index.js';
import { systemRuntime } from '../../src/runtime/index.js';
import { FrameCodec, frame, frameProtocol, KIND, message, payloadOf } from './support/frame-protocol.js';

/** Downstreams on real sockets. */

let listener: Listener;
afterEach(() => listener.close());

async function start(options: Partial<ServeOptions> = {}) {
  const calls: { request: Message; sink: CallSink; cancelled: boolean }[] = [];
  const events: ConnectionEvent[] = [];
  const served: Downstream[] = [];
  let wake: () => void = () => {};
  const dispatcher = {
    dispatch(request: Message, sink: CallSink) {
      const call = { request, sink, cancelled: false };
      calls.push(call);
      wake();
      return {
        cancel: () => {
          call.cancelled = true;
        },
      };
    },
  };
  listener = await listen({ port: 0 }, (stream) => {
    const runtime = systemRuntime();
    const downstream = serve(stream, frameProtocol(), dispatcher, {
      runtime,
      listener: (event) => events.push(event),
      ...options,
    });
    served.push(downstream);
    return downstream;
  });
  const client = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => {});
  await once(client, 'connect');
  const arrived = async (n: number) => {
    while (calls.length < n)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  return { client, calls, events, served, arrived };
}

function received(client: Socket): string[] {
  const got: string[] = [];
  const [queue, codec] = [new ByteQueue(), new FrameCodec(true, 'error')];
  client.on('data', (chunk: Buffer) => {
    queue.push(chunk);
    for (let m = codec.decode(queue); m !== null; m = codec.decode(queue))
      got.push(`${m.idLow}:${payloadOf(m).length}`);
  });
  return got;
}

const request = (id: number) => frame(KIND.request, 0, id, 'x');
const reply = (bytes: number) => new Reply(message('response', 'y'.repeat(bytes)));

test('a client that ends its side gets the replies of what is under way, then our end', async () => {
  const { client, calls, arrived } = await start();
  const got = received(client);
  client.end(Buffer.concat([request(1), request(2)]));
  await arrived(2);
  calls[1]!.sink.reply(reply(3));
  calls[0]!.sink.reply(reply(300_000));
  await once(client, 'end');
  expect(got).toEqual(['2:3', '1:300000']);
});

test('a client that resets its connection cancels its calls', async () => {
  const { client, calls, arrived, served, events } = await start();
  client.write(request(1));
  await arrived(1);
  client.resetAndDestroy();
  await served[0]!.closed;
  expect([calls[0]!.cancelled, served[0]!.inFlight]).toEqual([true, 0]);
  expect(events.at(-1)).toMatchObject({ kind: 'closed', side: 'downstream', reason: 'read ECONNRESET' });
});

test('a client that sends garbage gets its earlier replies, although more garbage was not read', async () => {
  const { client, calls, arrived, served } = await start();
  const got = received(client);
  client.write(request(1));
  await arrived(1);
  calls[0]!.sink.reply(reply(200_000));
  client.write(Buffer.alloc(1_000_000, 'garbage'));
  await once(client, 'end');
  expect(got).toEqual(['1:200000']);
  client.end();
  await served[0]!.closed;
});

test('a client that does not read is held back, then closed; others go on', async () => {
  const { client, calls, arrived, served, events } = await start({ maxReplyBytes: 1_000_000 });
  client.pause();
  const total = 60;
  client.write(Buffer.concat(Array.from({ length: total }, (_, i) => request(i))));
  await arrived(total);
  for (const call of calls) {
    call.sink.reply(reply(1_000_000));
    await new Promise(setImmediate);
    if (served[0]!.inFlight === 0) break;
  }
  await served[0]!.closed;
  expect(events.at(-1)!.reason).toMatch(/bytes of replies not taken/);
  expect(calls.some((call) => call.cancelled)).toBe(true);
  const other = connect({ port: listener.port, host: '127.0.0.1' });
  const got = received(other);
  other.write(request(7));
  await arrived(total + 1);
  calls.at(-1)!.sink.reply(reply(5));
  await once(other, 'data');
  expect(got).toEqual(['7:5']);
  other.destroy();
});

test('a listener that closes lets what is under way be answered', async () => {
  const { client, calls, arrived } = await start();
  const got = received(client);
  client.write(request(1));
  await arrived(1);
  const closed = listener.close(10_000);
  calls[0]!.sink.reply(reply(4));
  await once(client, 'end');
  client.end();
  await closed;
  expect(got).toEqual(['1:4']);
});
