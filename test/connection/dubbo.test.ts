import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import { dubbo } from '../../adapters/protocols/dubbo/index.js';
import { type Dispatcher, Failure, type Reply } from '../../src/call/index.js';
import { listen, type PeerPool, Peers, serve } from '../../src/connection/index.js';
import { ByteQueue, contiguous, type Message } from '../../src/message/index.js';
import { systemRuntime } from '../../src/runtime/index.js';
import { DubboEcho, dubboRequest, payloadOf, read, wireIdOf } from './support/dubbo.js';
import { TestAttempt, TestTarget } from './support/test-attempt.js';

const runtime = systemRuntime();

function peerOf(server: DubboEcho, peers = new Peers({ runtime, pool: { maxConnections: 1 } })): PeerPool {
  return peers.acquire({ address: { host: '127.0.0.1', port: server.port }, protocol: dubbo }) as PeerPool;
}

test('clients that use the same ids share one connection, and each gets its own replies', async () => {
  const server = await new DubboEcho().listen();
  const peer = peerOf(server);
  const target = new TestTarget();
  const dispatcher: Dispatcher = {
    dispatch(request, sink) {
      const attempt = new TestAttempt(request, dubbo, target).start(peer);
      void attempt.done.then((outcome) => (outcome instanceof Failure ? sink.fail(outcome) : sink.reply(outcome)));
      return { cancel: () => attempt.end(new Failure('CANCELLED')) };
    },
  };
  const listener = await listen({ port: 0 }, (stream) => serve(stream, dubbo, dispatcher, { runtime }));

  const ids = [
    0n,
    -1n,
    -8131302557820649161n,
    8986826522934711593n,
    ...Array.from({ length: 200 }, (_, i) => BigInt(i + 1)),
  ];
  const clients = await Promise.all(
    Array.from({ length: 5 }, async (_, client) => {
      const socket = connect(listener.port, '127.0.0.1');
      await once(socket, 'connect');
      const got = new Map<bigint, string>();
      const [codec, queue] = [dubbo.open('upstream'), new ByteQueue()];
      socket.on('data', (chunk: Buffer) => {
        queue.push(chunk);
        for (let m = codec.decode(queue); m !== null; m = codec.decode(queue)) got.set(wireIdOf(m), payloadOf(m));
        if (got.size === ids.length) socket.end();
      });
      for (const id of ids)
        socket.write(dubboRequest(id, `client ${client} ${id} ${'x'.repeat((client * 997) % 3000)}`));
      await once(socket, 'close');
      return got;
    }),
  );
  for (const [client, got] of clients.entries()) {
    for (const id of ids) expect(got.get(id)).toBe(`client ${client} ${id} ${'x'.repeat((client * 997) % 3000)}`);
  }
  expect([server.received.length, server.received[0]!.length, target.inflight]).toEqual([1, 5 * ids.length, 0]);
  await listener.close();
  peer.release();
  await server.close();
});

test('a request hedged on two connections under back-pressure keeps the id of each', async () => {
  const servers = await Promise.all([new DubboEcho().listen(), new DubboEcho().listen()]);
  const peers = servers.map((server) => peerOf(server));
  const target = new TestTarget();
  const request = (payload: string): Message => read(dubboRequest(77n, payload), 'downstream');
  // Different numbers of calls before, so that the two connections are not at the same id.
  await Promise.all(
    peers.map((peer, i) =>
      Promise.all(
        Array.from({ length: i * 7 + 1 }, () => new TestAttempt(request('warm'), dubbo, target).start(peer).done),
      ),
    ),
  );
  for (const server of servers) server.deaf = true;

  const sizes = [0, 100, 700, 1500, 5000, 60_000];
  const requests = Array.from({ length: 600 }, (_, i) =>
    request(`hedged ${i} ${'y'.repeat(sizes[i % sizes.length]!)}`),
  );
  const before = requests.map((each) => Buffer.from(contiguous(each.bytes)));
  const attempts = requests.map((each) => peers.map((peer) => new TestAttempt(each, dubbo, target).start(peer)));
  // The second of each is superseded while its bytes still wait.
  for (const [i, pair] of attempts.entries()) if (i % 3 === 0) pair[1]!.end(new Failure('CANCELLED'));
  await new Promise((resolve) => process.nextTick(resolve));
  const later = peers.map((peer) => new TestAttempt(request('later'), dubbo, target).start(peer));
  expect(peers.every((peer) => peer.waiting > 0)).toBe(true);
  for (const server of servers) server.deaf = false;
  await Promise.all(later.map((attempt) => attempt.done));

  for (const [i, pair] of attempts.entries()) {
    for (const [side, attempt] of pair.entries()) {
      const outcome = await attempt.done;
      if (side === 1 && i % 3 === 0) expect(outcome).toBeInstanceOf(Failure);
      else expect(payloadOf((outcome as Reply).message!)).toBe(payloadOf(requests[i]!));
    }
  }
  for (const { received } of servers) {
    const ids = received[0]!.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => id > 0n && id < 1000n)).toBe(true);
  }
  expect(requests.every((each, i) => contiguous(each.bytes).equals(before[i]!))).toBe(true);
  for (const peer of peers) peer.release();
  for (const server of servers) await server.close();
  expect(target.inflight).toBe(0);
});
