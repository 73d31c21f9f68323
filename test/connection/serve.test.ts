import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { type CallSink, type Dispatcher, Failure, Reply } from '../../src/call/index.js';
import {
  ByteBudget,
  type InProcessSocket,
  inProcessDuplex,
  type ServeOptions,
  serve,
} from '../../src/connection/index.js';
import { ByteQueue, type Message, Mutation, type Protocol } from '../../src/message/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { FrameCodec, frame, frameProtocol, KIND, message, payloadOf } from './support/frame-protocol.js';

/** Collects calls, for the test to answer. */
class Collector implements Dispatcher {
  readonly calls: { request: Message; sink: CallSink; cancelled: boolean }[] = [];

  dispatch(request: Message, sink: CallSink) {
    const call = { request, sink, cancelled: false };
    this.calls.push(call);
    return {
      cancel: () => {
        call.cancelled = true;
      },
    };
  }

  answer(at: number, payload: string): void {
    this.calls[at]!.sink.reply(new Reply(message('response', payload, 999)));
  }
}

function start(protocol: Protocol = frameProtocol(), options: Partial<ServeOptions> = {}) {
  const [client, server] = inProcessDuplex();
  const runtime = new ManualRuntime();
  const dispatcher = new Collector();
  const events: string[] = [];
  const listener = (event: { kind: string; reason?: string }) =>
    events.push(`${event.kind} ${event.reason ?? ''}`.trim());
  const downstream = serve(server, protocol, dispatcher, { runtime, listener, ...options });
  return { client, server, runtime, dispatcher, downstream, events };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** `id:payload` of each frame that the client got so far. */
function received(client: Duplex): string[] {
  const got: string[] = [];
  const queue = new ByteQueue();
  const codec = new FrameCodec(true, 'error');
  client.on('data', (chunk: Buffer) => {
    queue.push(chunk);
    for (let m = codec.decode(queue); m !== null; m = codec.decode(queue)) got.push(`${m.idLow}:${payloadOf(m)}`);
  });
  return got;
}

function request(client: InProcessSocket, id: number, payload: string): void {
  client.write(frame(KIND.request, 0, id, payload));
}

describe('serve', () => {
  test('replies carry the id of their request, whatever id they came with, in any order', async () => {
    const { client, dispatcher } = start();
    const got = received(client);
    request(client, 7, 'a');
    client.write(frame(KIND.request, -5, -9, 'b'));
    await turn();
    dispatcher.answer(1, 'to b');
    dispatcher.answer(0, 'to a');
    await turn();
    expect(got).toEqual(['-9:to b', '7:to a']);
  });

  test('where replies have no ids they go out in the order of the requests', async () => {
    const { client, dispatcher } = start(frameProtocol({ sharing: 'pipelined', ids: false }));
    const got = received(client);
    for (const payload of ['a', 'b', 'c']) request(client, 0, payload);
    client.write(frame(KIND.oneway, 0, 0, 'd'));
    client.write(frame(KIND.ping, 0, 0, ''));
    await turn();
    dispatcher.calls[3]!.sink.reply(new Reply(undefined));
    dispatcher.answer(2, 'C');
    dispatcher.calls[1]!.sink.fail(new Failure('NO_ROUTE'));
    await turn();
    expect(got).toEqual([]);
    dispatcher.answer(0, 'A');
    await turn();
    expect(got).toEqual(['0:A', `0:${new Failure('NO_ROUTE').message}`, '0:C', '0:']);
  });

  test("a reply's mutation is applied as it is written", async () => {
    const { client, dispatcher } = start();
    const got = received(client);
    request(client, 1, 'a');
    await turn();
    const reply = new Reply(message('response', 'b'), 'ok', Mutation.of([['k', '+v']]));
    dispatcher.calls[0]!.sink.reply(reply);
    await turn();
    expect(got).toEqual(['1:b+v']);
  });

  test("a reply goes out as it came to a client that can't read attributes on it", async () => {
    const takesReplyMutation = (asked: Message) => payloadOf(asked) !== 'old';
    const { client, dispatcher } = start({ ...frameProtocol(), takesReplyMutation });
    const got = received(client);
    request(client, 1, 'old');
    request(client, 2, 'new');
    await turn();
    const reply = new Reply(message('response', 'b'), 'ok', Mutation.of([['k', '+v']]));
    for (const { sink } of dispatcher.calls) sink.reply(reply);
    await turn();
    expect(got).toEqual(['1:b', '2:b+v']);
  });

  test('a reply that cannot be encoded is refused as such', async () => {
    const { client, dispatcher } = start();
    const got = received(client);
    request(client, 1, 'a');
    await turn();
    dispatcher.calls[0]!.sink.reply(new Reply(message('response', 'b'), 'ok', Mutation.of([['k', 'unencodable']])));
    await turn();
    expect(got[0]).toMatch(/^1:ENCODE_FAILED/);
  });

  test('heartbeats are answered here', async () => {
    const { client, dispatcher, downstream } = start();
    const got = received(client);
    client.write(frame(KIND.ping, 1, 2, ''));
    await turn();
    expect(got).toEqual(['2:']);
    expect(dispatcher.calls).toEqual([]);
    expect(downstream.counters.heartbeatsAnswered).toBe(1);
  });

  test('a client that ends its side still gets the replies it waits for, then our end', async () => {
    const { client, dispatcher, downstream } = start();
    const got = received(client);
    request(client, 1, 'a');
    client.end();
    await turn();
    expect(downstream.inFlight).toBe(1);
    dispatcher.answer(0, 'b');
    await once(client, 'end');
    await downstream.closed;
    expect(got).toEqual(['1:b']);
  });

  test('a client that goes away cancels its calls, once, and late replies reach nobody', async () => {
    const { client, dispatcher, downstream } = start();
    request(client, 1, 'a');
    await turn();
    client.destroy();
    await downstream.closed;
    expect(dispatcher.calls[0]!.cancelled).toBe(true);
    dispatcher.answer(0, 'late');
    expect(downstream.inFlight).toBe(0);
  });

  test('garbage closes the connection with a reason, after what was answered before', async () => {
    const { client, dispatcher, events, downstream } = start();
    const got = received(client);
    request(client, 1, 'a');
    request(client, 2, 'b');
    await turn();
    dispatcher.answer(0, 'A');
    client.write('GET / HTTP/1.1\r\n');
    await once(client, 'end');
    expect(got).toEqual(['1:A']);
    expect(dispatcher.calls.map((call) => call.cancelled)).toEqual([false, true]);
    expect(events).toEqual(['opened', 'protocol-error magic 71', 'closed magic 71']);
    client.end();
    await downstream.closed;
  });

  test('a refusal without words closes after what was answered before', async () => {
    const { client, dispatcher } = start(frameProtocol({ refusal: 'close' }));
    const got = received(client);
    request(client, 1, 'a');
    request(client, 2, 'b');
    await turn();
    dispatcher.answer(0, 'A');
    dispatcher.calls[1]!.sink.fail(new Failure('RATE_LIMITED'));
    await once(client, 'end');
    expect(got).toEqual(['1:A']);
  });

  test('a dispatcher that throws is a refusal', async () => {
    const [client, server] = inProcessDuplex();
    const got = received(client);
    const dispatcher = {
      dispatch(): never {
        throw new Error('defect');
      },
    };
    serve(server, frameProtocol(), dispatcher, { runtime: new ManualRuntime() });
    request(client, 3, 'a');
    await turn();
    expect(got[0]).toMatch(/^3:INTERNAL: dispatch: defect/);
  });

  test('over its requests in flight nothing more is read, until one is answered', async () => {
    const { client, dispatcher, downstream } = start(frameProtocol(), { maxInFlight: 2 });
    const got = received(client);
    for (let id = 1; id <= 5; id++) request(client, id, 'x');
    await turn();
    expect(dispatcher.calls.length).toBe(2);
    dispatcher.answer(0, 'y');
    await turn();
    expect(dispatcher.calls.length).toBe(3);
    for (let at = 1; at < 5; at++) {
      dispatcher.answer(at, 'y');
      await turn();
    }
    expect(got).toEqual(['1:y', '2:y', '3:y', '4:y', '5:y']);
    expect(downstream.counters.readsPaused).toBeGreaterThan(0);
  });

  test('requests that were read before the end of stream are all served, also while held back', async () => {
    const { client, dispatcher, downstream } = start(frameProtocol(), { maxInFlight: 1 });
    const got = received(client);
    for (let id = 1; id <= 3; id++) request(client, id, 'x');
    client.end();
    for (let at = 0; at < 3; at++) {
      await turn();
      dispatcher.answer(at, 'y');
    }
    await downstream.closed;
    expect(got).toEqual(['1:y', '2:y', '3:y']);
  });

  test('drain: serves on until nothing is under way; its time being up cancels the rest', async () => {
    const quiet = start();
    const got = received(quiet.client);
    request(quiet.client, 1, 'a');
    await turn();
    const drained = quiet.downstream.drain(1000);
    quiet.dispatcher.answer(0, 'b');
    quiet.client.on('end', () => quiet.client.end());
    await drained;
    expect(got).toEqual(['1:b']);
    expect(quiet.runtime.pending).toBe(0);

    const stuck = start();
    request(stuck.client, 1, 'a');
    await turn();
    const cut = stuck.downstream.drain(1000);
    stuck.runtime.advance(1000);
    await cut;
    expect(stuck.dispatcher.calls[0]!.cancelled).toBe(true);
  });

  test('is closed also while it is held back, and hears of the end of the client', async () => {
    const { client, downstream, runtime } = start(frameProtocol(), { maxInFlight: 1 });
    for (let id = 1; id <= 3; id++) request(client, id, 'x');
    await turn();
    downstream.close('told to');
    client.resume();
    client.end();
    await downstream.closed;
    expect(runtime.pending).toBe(0);
  });

  test('many requests that were held back and are answered at once do not pile up on the stack', async () => {
    const [client, server] = inProcessDuplex();
    const got = received(client);
    let first: CallSink | undefined;
    const dispatcher: Dispatcher = {
      dispatch(_request, sink) {
        if (first === undefined) first = sink;
        else sink.reply(new Reply(message('response', 'at once')));
        return { cancel() {} };
      },
    };
    serve(server, frameProtocol(), dispatcher, { runtime: new ManualRuntime(), maxInFlight: 1 });
    client.write(Buffer.concat(Array.from({ length: 20_000 }, (_, id) => frame(KIND.request, 0, id, ''))));
    await turn();
    first!.reply(new Reply(message('response', 'at last')));
    while (got.length < 20_000) await turn();
    expect(got[0]).toBe('0:at last');
  });

  test('in order, a reply that waits for its turn holds neither its read chunk nor, once sent, the bound', async () => {
    const protocol = frameProtocol({ sharing: 'pipelined', ids: false });
    const { client, dispatcher, downstream } = start(protocol, { maxReplyBytes: 10_000 });
    const got = received(client);
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 2; i++) request(client, 0, 'a');
      await turn();
      const [head, later] = dispatcher.calls.slice(-2);
      const chunk = Buffer.allocUnsafeSlow(65_536);
      const held = message('response', 'x'.repeat(9000));
      held.bytes[0]!.copy(chunk);
      held.bytes = [chunk.subarray(0, held.bytes[0]!.length)];
      later!.sink.reply(new Reply(held));
      expect(held.bytes[0]!.buffer).not.toBe(chunk.buffer);
      head!.sink.reply(new Reply(message('response', 'y')));
      await turn();
    }
    expect([got.length, downstream.inFlight]).toEqual([20, 0]);
  });

  test('a client that is gone waits for no reply; what it sent one way goes on, in memory of its own', async () => {
    const { client, server, dispatcher, downstream } = start();
    const told = frame(KIND.oneway, 0, 2, 'told');
    server.once('data', () => server.destroy());
    client.write(Buffer.concat([frame(KIND.request, 0, 1, 'x'.repeat(60_000)), told]));
    await downstream.closed;
    const [asked, oneway] = dispatcher.calls;
    expect([asked!.cancelled, oneway!.cancelled]).toEqual([true, false]);
    const { bytes } = oneway!.request;
    expect([payloadOf(oneway!.request), bytes[0]!.buffer.byteLength < 20_000]).toEqual(['told', true]);
  });

  test('one that is closed as it holds too much has nothing going on', async () => {
    const { client, dispatcher, downstream } = start();
    client.write(frame(KIND.oneway, 0, 2, 'told'));
    await turn();
    (downstream as unknown as { evict(reason: string): void }).evict('too much');
    expect(dispatcher.calls.map(({ cancelled }) => cancelled)).toEqual([true]);
  });

  test('a request that waits does not hold the chunk it was read in', async () => {
    const { client, dispatcher } = start();
    const small = frame(KIND.request, 0, 1, 'held');
    client.write(Buffer.concat([small, frame(KIND.oneway, 0, 2, Buffer.alloc(60_000))]));
    await turn();
    const { bytes } = dispatcher.calls[0]!.request;
    expect(bytes[0]!.buffer.byteLength).toBeLessThan(20_000);
    expect(payloadOf(dispatcher.calls[0]!.request)).toBe('held');
  });

  describe('a downstream that does not take its replies', () => {
    const reply = (bytes: number) => new Reply(message('response', 'x'.repeat(bytes)));

    test('is not read from while they are over the bound, and served on when it has taken them', async () => {
      const { client, dispatcher, downstream } = start(frameProtocol(), { maxReplyBytes: 100_000 });
      for (let id = 1; id <= 3; id++) request(client, id, 'a');
      await turn();
      for (const call of dispatcher.calls) call.sink.reply(reply(80_000));
      await turn();
      request(client, 4, 'b');
      await turn();
      expect(dispatcher.calls.length).toBe(3);
      const got = received(client);
      await turn();
      await turn();
      expect(got.length).toBe(3);
      expect(dispatcher.calls.length).toBe(4);
      dispatcher.answer(3, 'c');
      await turn();
      expect(got.at(-1)).toBe('4:c');
      expect(downstream.counters.readsPaused).toBeGreaterThan(0);
    });

    test('is closed at twice the bound, and its calls are cancelled', async () => {
      const { client, dispatcher, downstream, events } = start(frameProtocol(), { maxReplyBytes: 100_000 });
      for (let id = 1; id <= 6; id++) request(client, id, 'a');
      await turn();
      for (const call of dispatcher.calls.slice(0, 5)) {
        call.sink.reply(reply(80_000));
        await turn();
      }
      await downstream.closed;
      expect(dispatcher.calls[5]!.cancelled).toBe(true);
      expect(events.at(-1)).toMatch(/^closed \d+ bytes of replies not taken \(maxReplyBytes 100000\)$/);
      expect(client.destroyed).toBe(true);
    });

    test('may be sent one reply that alone is longer than all bounds', async () => {
      const { client, dispatcher } = start(frameProtocol(), { maxReplyBytes: 1000 });
      const got = received(client);
      request(client, 1, 'a');
      await turn();
      dispatcher.calls[0]!.sink.reply(reply(500_000));
      while (got.length === 0) await turn();
      expect(got[0]!.length).toBe(500_002);
    });

    test('is closed when all downstreams together hold too much and it holds most', async () => {
      const budget = new ByteBudget(400_000);
      const greedy = start(frameProtocol(), { budget });
      const modest = start(frameProtocol(), { budget });
      for (const { client } of [greedy, modest]) for (let id = 1; id <= 3; id++) request(client, id, 'a');
      await turn();
      modest.dispatcher.calls[0]!.sink.reply(reply(150_000));
      greedy.dispatcher.calls[0]!.sink.reply(reply(150_000));
      await turn();
      expect(budget.pausing).toBe(true);
      greedy.dispatcher.calls[1]!.sink.reply(reply(200_000));
      await greedy.downstream.closed;
      expect(greedy.events.at(-1)).toMatch(/^closed \d+ bytes held, the most of/);
      const got = received(modest.client);
      await turn();
      await turn();
      expect(got.length).toBe(1);
      modest.dispatcher.answer(1, 'still served');
      await turn();
      expect(got.at(-1)).toBe('2:still served');
      expect(budget.pausing).toBe(false);
    });
  });

  test('over its bytes of requests under way nothing more is read', async () => {
    const { client, dispatcher } = start(frameProtocol(), { maxRequestBytes: 10_000 });
    for (let id = 1; id <= 3; id++) request(client, id, 'x'.repeat(20_000));
    await turn();
    expect(dispatcher.calls.length).toBe(1);
    dispatcher.answer(0, 'y');
    await turn();
    expect(dispatcher.calls.length).toBe(2);
  });
});
