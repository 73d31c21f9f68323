import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Failure, type Outcome } from '../../../src/call/index.js';
import {
  type ConnectionEvent,
  type PeerPool,
  Peers,
  type PoolOptions,
  type SocketAddress,
} from '../../../src/connection/index.js';
import { Mutation, type Protocol } from '../../../src/message/index.js';
import { ManualRuntime, MemoryNetwork } from '../../../src/testing/index.js';
import { answer, EchoServer, echo } from '../support/echo-server.js';
import { frame, frameProtocol, KIND, message, payloadOf } from '../support/frame-protocol.js';
import { TestAttempt, TestTarget } from '../support/test-attempt.js';

const servers: EchoServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function start(protocol: Protocol = frameProtocol(), pool: PoolOptions = {}, script = echo) {
  const server = await new EchoServer(script).listen();
  servers.push(server);
  const runtime = new ManualRuntime();
  const events: ConnectionEvent[] = [];
  const peers = new Peers({ runtime, pool, listener: (event) => events.push(event) });
  const address = { host: '127.0.0.1', port: server.port };
  const peer = peers.acquire({ address, protocol }) as PeerPool;
  const target = new TestTarget();
  const call = (payload = 'x', kind: 'request' | 'oneway' = 'request') =>
    new TestAttempt(message(kind, payload, 42, 42), protocol, target).start(peer);
  return { server, runtime, events, peers, peer, target, call, address };
}

function text(outcome: Outcome): string {
  if (outcome instanceof Failure) return `${outcome.code} ${outcome.sent}`;
  return outcome.message === undefined ? 'written' : payloadOf(outcome.message);
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a peer', () => {
  test('many calls share one connection, and each gets its own reply', async () => {
    const { server, peer, target, call } = await start();
    const attempts = Array.from({ length: 500 }, (_, i) => call(`p${i}`));
    expect((await Promise.all(attempts.map((a) => a.done))).map(text)).toEqual(attempts.map((_, i) => `p${i}`));
    expect(server.accepted).toBe(1);
    expect(new Set(server.requests.map((r) => r.idLow)).size).toBe(500);
    expect([target.inflight, peer.outstanding, peer.ready]).toEqual([0, 0, true]);
  });

  test('is shared by all that name its address, and drained when the last lets go', async () => {
    const { server, peers, peer, address, call } = await start();
    expect(peers.acquire({ address, protocol: frameProtocol() })).toBe(peer);
    expect(peers.acquire({ address, protocol: frameProtocol(), tls: 'other' })).not.toBe(peer);
    await call().done;
    peer.release();
    expect(peer.ready).toBe(true);
    server.script = () => {};
    const last = call('last');
    await server.until(() => server.requests.length === 2);
    peer.release();
    expect(text(await call().done)).toBe('DRAINING no');
    answer([...server.sockets][0]!, server.requests[1]!, 'still answered');
    expect(text(await last.done)).toBe('still answered');
    expect(peers.acquire({ address, protocol: frameProtocol() })).not.toBe(peer);
  });

  test('opens another connection when one is full, up to its maximum, then lets wait, then refuses', async () => {
    const { server, peer, call } = await start(
      frameProtocol(),
      { maxConnections: 2, maxInFlight: 2, maxPending: 3 },
      () => {},
    );
    const attempts = [call(), call()];
    await server.until(() => server.requests.length === 2);
    attempts.push(call(), call());
    await server.until(() => server.requests.length === 4);
    expect(server.accepted).toBe(2);
    attempts.push(call(), call(), call());
    expect([peer.waiting, peer.open]).toEqual([3, 2]);
    expect(text(await call().done)).toBe('OVERFLOW no');
    attempts[4]!.end(new Failure('CANCELLED'));
    expect(peer.waiting).toBe(2);
    server.script = echo;
    const socketOf = [...server.sockets];
    for (const request of server.requests.slice(0, 2)) answer(socketOf[0]!, request, 'old');
    expect(text(await attempts[5]!.done)).toBe('x');
    expect(text(await attempts[6]!.done)).toBe('x');
  });

  test('one call a connection where the protocol is exclusive', async () => {
    const { server, peer, call } = await start(frameProtocol({ sharing: 'exclusive' }), {}, () => {});
    const attempts = [call('a'), call('b'), call('c')];
    await server.until(() => server.requests.length === 3);
    expect(server.accepted).toBe(3);
    server.script = echo;
    const sockets = [...server.sockets];
    for (let i = 0; i < 3; i++) echo(server.requests[i]!, sockets[i]!);
    await Promise.all(attempts.map((a) => a.done));
    expect(text(await call('d').done)).toBe('d');
    expect([server.accepted, peer.open]).toEqual([3, 3]);
  });

  test('an exclusive connection that was promised and is given back serves the next', async () => {
    const { peer, call } = await start(frameProtocol({ sharing: 'exclusive' }), { maxConnections: 1 });
    await call().done;
    const shy = new TestAttempt(message('request', 'shy'));
    expect(peer.checkout(shy)).toBeDefined();
    const next = call('next');
    expect(peer.waiting).toBe(1);
    peer.withdraw(shy);
    expect(text(await next.done)).toBe('next');
  });

  test('pipelined: replies in order, a cancelled call keeps its place', async () => {
    const { server, call, peer, target } = await start(
      frameProtocol({ sharing: 'pipelined', ids: false }),
      {},
      () => {},
    );
    const attempts = ['a', 'b', 'c'].map((p) => call(p));
    await server.until(() => server.requests.length === 3);
    attempts[1]!.end(new Failure('CANCELLED'));
    for (const request of server.requests) echo(request, [...server.sockets][0]!);
    expect(text(await attempts[2]!.done)).toBe('c');
    expect(attempts.map((a) => text(a.outcome!))).toEqual(['a', 'CANCELLED no', 'c']);
    expect([peer.counters.lateReplies, target.inflight]).toEqual([1, 0]);
  });

  test('one-way calls end when written, and a reply to one reaches nobody', async () => {
    const { server, call, peer, target } = await start(frameProtocol(), {}, (request, socket) =>
      answer(socket, request, 'nobody asked'),
    );
    expect(text(await call('a', 'oneway').done)).toBe('written');
    expect(text(await call('b').done)).toBe('nobody asked');
    expect([server.requests.length, peer.counters.unknownReplies, target.inflight]).toEqual([2, 1, 0]);
  });

  test('late, repeated and unknown replies are swallowed and counted', async () => {
    const { server, call, peer, target } = await start(frameProtocol(), {}, () => {});
    const cancelled = call('cancelled');
    const answered = call('answered');
    await server.until(() => server.requests.length === 2);
    cancelled.end(new Failure('CANCELLED'));
    expect(target.inflight).toBe(2);
    const socket = [...server.sockets][0]!;
    for (const request of [...server.requests, ...server.requests]) echo(request, socket);
    socket.write(frame(KIND.response, 1, server.requests[1]!.idLow, 'high'));
    server.script = echo;
    expect(text(await answered.done)).toBe('answered');
    expect(text(await call('next').done)).toBe('next');
    expect([peer.counters.lateReplies, peer.counters.unknownReplies]).toEqual([1, 3]);
    expect([target.inflight, cancelled.settlements, answered.settlements]).toEqual([0, 1, 1]);
  });

  test.each(['pipelined', 'exclusive'] as const)(
    '%s: a reply that nobody asked for ends the connection',
    async (sharing) => {
      const { server, call, peer, events } = await start(frameProtocol({ sharing }));
      await call().done;
      [...server.sockets][0]!.write(frame(KIND.response, 0, 0, 'nobody asked'));
      while (peer.ready) await turn();
      expect(events.map((event) => event.kind)).toEqual(['opened', 'protocol-error', 'closed']);
      expect(text(await call('next').done)).toBe('next');
      expect(server.accepted).toBe(2);
    },
  );

  test('requests of a server are refused and reported, heartbeats answered', async () => {
    const { server, call, peer, events } = await start(frameProtocol());
    await call().done;
    const socket = [...server.sockets][0]!;
    socket.write(Buffer.concat([frame(KIND.request, 3, 4, 'call me back'), frame(KIND.ping, 5, 6, '')]));
    await server.until(() => server.requests.length === 3);
    expect(server.requests.slice(1).map((m) => [m.kind, m.idHigh, m.idLow])).toEqual([
      ['error', 3, 4],
      ['heartbeat', 5, 6],
    ]);
    expect(events.at(-1)).toMatchObject({ kind: 'unsolicited', side: 'upstream', protocol: 'frame-multiplexed' });
    expect([peer.counters.unsolicited, peer.counters.heartbeatsAnswered, peer.open]).toEqual([1, 1, 1]);
  });

  test('an open connection without calls does not keep the process alive', async () => {
    const network = new MemoryNetwork();
    const runtime = new ManualRuntime();
    const held: string[] = [];
    network.listen({ path: 'x' }, (socket) => socket.on('data', () => {}));
    const transport = {
      accept: (socket: Duplex) => socket,
      connect: (address: SocketAddress) => {
        const spied = { ref: () => held.push('ref'), unref: () => held.push('unref') };
        return Object.assign(network.connect(address), spied);
      },
    };
    const peer = new Peers({ runtime, transport }).acquire({ address: { path: 'x' }, protocol: frameProtocol() });
    const attempt = new TestAttempt(message('oneway', 'x')).start(peer);
    await attempt.done;
    expect(held).toEqual(['unref', 'ref']);
    runtime.advance(5000);
    expect(held).toEqual(['unref', 'ref', 'unref']);
  });

  test('a request that cannot be encoded fails alone', async () => {
    const { peer, call, target } = await start();
    await call().done;
    const bad = new TestAttempt(message('request', 'x'), frameProtocol(), target);
    bad.mutation = Mutation.of([['k', 'unencodable']]);
    bad.start(peer);
    expect(text(await bad.done)).toBe('ENCODE_FAILED no');
    expect(text(await call('fine').done)).toBe('fine');
    expect(target.inflight).toBe(0);
  });
});

describe('a peer that cannot be connected to', () => {
  test('refuses what waits, then at once while it backs off, then tries again', async () => {
    const { server, runtime, peer, call } = await start();
    const { port } = server;
    await server.close();
    const first = await call().done;
    expect(text(first)).toBe('CONNECT_FAILED no');
    expect(String(first)).toContain('ECONNREFUSED');
    const meanwhile = call();
    expect(meanwhile.outcome).toBe(first);
    expect([peer.counters.connectFailures, peer.waiting, peer.ready]).toEqual([1, 0, false]);
    runtime.advance(100);
    expect(text(await call().done)).toBe('CONNECT_FAILED no');
    expect(peer.counters.connectFailures).toBe(2);
    servers.splice(0);
    servers.push(await new EchoServer().listen(port));
    runtime.advance(200);
    expect(text(await call('back').done)).toBe('back');
  });

  test('gives up after the connect timeout', async () => {
    const { runtime, peers, call } = await start();
    void call;
    // TEST-NET-1 is routed nowhere; the manual clock ends the wait, whatever the network says later.
    const peer = peers.acquire({
      address: { host: '192.0.2.1', port: 1 },
      protocol: frameProtocol(),
      connectTimeoutMs: 300,
    });
    const attempt = new TestAttempt(message('request', 'x')).start(peer);
    runtime.advance(300);
    expect(String(await attempt.done)).toMatch(/CONNECT_FAILED: 192.0.2.1:1: (no connection after 300 ms|connect E)/);
  });
});

describe('a peer that says it drains', () => {
  test('gets no new calls on that connection, and a fresh one after a while', async () => {
    const { server, runtime, events, peer, call } = await start(frameProtocol(), {}, () => {});
    const before = call('before');
    await server.until(() => server.requests.length === 1);
    const socket = [...server.sockets][0]!;
    socket.write(frame(KIND.event, 0, 0, 'drain'));
    while (!peer.draining) await turn();
    expect(text(await call().done)).toBe('CONNECT_FAILED no');
    echo(server.requests[0]!, socket);
    expect(text(await before.done)).toBe('before');
    expect(events.map((event) => event.kind)).toEqual(['opened', 'draining', 'closed']);
    server.script = echo;
    runtime.advance(5000);
    expect(peer.draining).toBe(false);
    expect(text(await call('again').done)).toBe('again');
    expect(server.accepted).toBe(2);
  });
});
