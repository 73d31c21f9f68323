import { describe, expect, test } from '@jest/globals';
import { Failure, type Outcome } from '../../../src/call/index.js';
import { type ConnectionEvent, type PeerPool, Peers, type PoolOptions } from '../../../src/connection/index.js';
import type { Protocol } from '../../../src/message/index.js';
import { systemRuntime } from '../../../src/runtime/index.js';
import { frameProtocol, message, payloadOf } from '../support/frame-protocol.js';
import { PeerProcess } from '../support/peer-process.js';
import { TestAttempt, TestTarget } from '../support/test-attempt.js';

/** Real sockets, real processes, real time. Every call carries its own payload, which its reply must echo. */
function connect(server: PeerProcess, protocol: Protocol, pool: PoolOptions = {}) {
  const events: ConnectionEvent[] = [];
  const peers = new Peers({ runtime: systemRuntime(), pool, listener: (event) => events.push(event) });
  const peer = peers.acquire({ address: { host: '127.0.0.1', port: server.port }, protocol }) as PeerPool;
  const target = new TestTarget();
  let calls = 0;
  const all: TestAttempt[] = [];
  const call = (size = 0) => {
    const attempt = new TestAttempt(message('request', `call ${calls++} ${'x'.repeat(size)}`), protocol, target);
    all.push(attempt);
    return attempt.start(peer);
  };
  const many = (n: number, size = 0) => Array.from({ length: n }, () => call(size));
  /** Nothing lost, nothing crossed: each settled once, by its own echo or a failure; no place still taken. */
  const check = async () => {
    const outcomes = await Promise.all(all.map((attempt) => attempt.done));
    for (const [i, outcome] of outcomes.entries()) {
      if (!(outcome instanceof Failure)) expect(payloadOf(outcome.message!)).toBe(payloadOf(all[i]!.request));
    }
    expect(all.map((attempt) => attempt.settlements)).toEqual(all.map(() => 1));
    expect([target.inflight, peer.waiting, peer.outstanding]).toEqual([0, 0, 0]);
  };
  return { peer, peers, events, call, many, check, close: () => peers.drain(0) };
}

const tally = async (attempts: TestAttempt[]) => {
  const counts: Record<string, number> = {};
  for (const outcome of await Promise.all(attempts.map((attempt) => attempt.done))) {
    const key = text(outcome);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
};
const text = (outcome: Outcome) => (outcome instanceof Failure ? `${outcome.code} ${outcome.sent}` : 'reply');

describe.each(['multiplexed', 'pipelined', 'exclusive'] as const)('a %s peer', (sharing) => {
  const protocol = frameProtocol({ sharing });
  const options = { maxConnections: sharing === 'exclusive' ? 16 : 2 };

  test('that is killed: what was sent is lost, what waits is refused; its successor serves', async () => {
    const server = await PeerProcess.start();
    const { many, check, close, peer } = connect(server, protocol, { ...options, maxInFlight: 20, backoffMaxMs: 1 });
    await server.tell('hold');
    const attempts = many(60);
    const sent = sharing === 'exclusive' ? 16 : 40;
    await server.until(() => server.requests === sent);
    await server.kill();
    expect(await tally(attempts)).toEqual({ 'CONNECTION_LOST maybe': sent, 'CONNECT_FAILED no': 60 - sent });
    await using successor = await PeerProcess.start(server.port);
    expect(successor.port).toBe(server.port);
    // The back-off after the refusals is 1 ms.
    let first = await many(1)[0]!.done;
    while (first instanceof Failure) first = await many(1)[0]!.done;
    expect(await tally(many(30))).toEqual({ reply: 30 });
    expect(peer.ready).toBe(true);
    await check();
    await close();
  });

  test('that sends garbage: the culprit is told from its neighbours, as far as it can be', async () => {
    await using server = await PeerProcess.start();
    const { many, check, close, events } = connect(server, protocol, { maxConnections: 1, backoffMaxMs: 1 });
    expect(await tally(many(1))).toEqual({ reply: 1 });
    await server.tell('hold');
    const attempts = many(sharing === 'exclusive' ? 1 : 5);
    await server.until(() => server.requests === 1 + attempts.length);
    await server.tell('garbage');
    expect(await tally(attempts)).toEqual(
      {
        multiplexed: { 'COLLATERAL maybe': 5 },
        pipelined: { 'BAD_REPLY maybe': 1, 'COLLATERAL maybe': 4 },
        exclusive: { 'BAD_REPLY maybe': 1 },
      }[sharing],
    );
    expect(text(attempts[0]!.outcome!)).toBe(sharing === 'multiplexed' ? 'COLLATERAL maybe' : 'BAD_REPLY maybe');
    expect(events.map((event) => event.kind)).toEqual(['opened', 'protocol-error', 'closed']);
    await server.tell('hold');
    const [alone] = many(1);
    await server.until(() => server.requests === 2 + attempts.length);
    await server.tell('garbage');
    expect(text(await alone!.done)).toBe('BAD_REPLY maybe');
    await check();
    await close();
  });

  test('that ends its side: what it answered is answered, the rest is lost', async () => {
    await using server = await PeerProcess.start();
    const { many, check, close } = connect(server, protocol, { maxConnections: 1 });
    await server.tell('hold');
    const attempts = sharing === 'exclusive' ? many(1) : many(10);
    await server.until(() => server.requests === attempts.length);
    await server.tell('hang-up');
    const replies = attempts.length - 1;
    expect(await tally(attempts)).toEqual({ ...(replies > 0 && { reply: replies }), 'CONNECTION_LOST maybe': 1 });
    await check();
    await close();
  });

  test('whose calls are cancelled while it is slow: late replies reach nobody', async () => {
    await using server = await PeerProcess.start();
    const { many, check, close, peer } = connect(server, protocol, options);
    await server.tell('hold');
    const attempts = many(16);
    await server.until(() => server.requests === 16);
    for (const [i, attempt] of attempts.entries()) if (i % 2 === 0) attempt.end(new Failure('CANCELLED'));
    await server.tell('echo');
    expect(await tally(attempts)).toEqual({ 'CANCELLED no': 8, reply: 8 });
    expect(await tally(many(16))).toEqual({ reply: 16 });
    expect(peer.counters.lateReplies).toBe(8);
    await check();
    await close();
  });

  test('that does not read: large calls are held back, and all answered when it does', async () => {
    await using server = await PeerProcess.start();
    const { many, check, close, peer } = connect(server, protocol, { ...options, maxConnections: 2, maxPending: 400 });
    await Promise.all(many(1).map((attempt) => attempt.done));
    await server.tell('deaf');
    const attempts = many(100, 200_000);
    const waiting = peer.waiting;
    await server.tell('echo');
    expect(await tally(attempts)).toEqual({ reply: 100 });
    if (sharing === 'exclusive') expect(waiting).toBeGreaterThan(90);
    await check();
    await close();
  });
});

describe('a multiplexed peer', () => {
  test('that answers out of order, and everything twice', async () => {
    await using server = await PeerProcess.start();
    const { many, check, close, peer } = connect(server, frameProtocol());
    await server.tell('hold');
    const attempts = many(500);
    await server.until(() => server.requests === 500);
    await server.tell('reverse');
    expect(await tally(attempts)).toEqual({ reply: 500 });
    await Promise.all(many(10).map((attempt) => attempt.done));
    expect(peer.counters.unknownReplies).toBe(500);
    await check();
    await close();
  });

  test('that is blocked by large calls, while a second connection is open', async () => {
    await using server = await PeerProcess.start();
    const { many, check, close, peer } = connect(server, frameProtocol(), { maxConnections: 2 });
    await Promise.all(many(1).map((attempt) => attempt.done));
    await server.tell('deaf');
    const blocking = many(100, 200_000);
    await new Promise((resolve) => process.nextTick(resolve));
    const later = many(50);
    expect(peer.waiting).toBeGreaterThanOrEqual(50);
    await server.tell('echo');
    expect(await tally([...blocking, ...later])).toEqual({ reply: 150 });
    expect(peer.counters.opened).toBe(2);
    await check();
    await close();
  });

  test('that is stopped: noticed by its silence, and nothing it says after waking reaches anybody', async () => {
    await using server = await PeerProcess.start();
    const { many, check, close, peer } = connect(server, frameProtocol({ heartbeats: true }), { readSilenceMs: 300 });
    await Promise.all(many(1).map((attempt) => attempt.done));
    server.signal('SIGSTOP');
    const attempts = many(20);
    expect(await tally(attempts)).toEqual({ 'CONNECTION_LOST maybe': 20 });
    server.signal('SIGCONT');
    expect(await tally(many(20))).toEqual({ reply: 20 });
    expect(peer.counters.opened).toBe(2);
    await check();
    await close();
  });

  test('that answered while our own event loop stood still is not taken for silent', async () => {
    await using server = await PeerProcess.start();
    const { many, check, close, peer } = connect(server, frameProtocol({ heartbeats: true }), { readSilenceMs: 150 });
    await Promise.all(many(1).map((attempt) => attempt.done));
    const attempts = many(100);
    await new Promise((resolve) => setImmediate(resolve));
    // Several silences long, and so long that the peer has surely answered.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 800);
    expect(await tally(attempts)).toEqual({ reply: 100 });
    expect([peer.counters.opened, peer.counters.closed]).toEqual([1, 0]);
    await check();
    await close();
  });

  test('under a storm of calls, cancellations and restarts nothing is lost or crossed', async () => {
    let server = await PeerProcess.start();
    const { many, check, close } = connect(server, frameProtocol(), { maxInFlight: 50, backoffMaxMs: 1 });
    const { port } = server;
    for (let round = 0; round < 6; round++) {
      await server.tell('crowd', { crowd: 20 });
      const attempts = many(70, round * 100);
      for (const [i, attempt] of attempts.entries()) if (i % 7 === round) attempt.end(new Failure('CANCELLED'));
      await server.until(() => server.requests > 0);
      if (round % 2 === 1) {
        await server.kill();
        server = await PeerProcess.start(port);
      } else {
        await server.tell('echo');
      }
      await tally(attempts);
    }
    await server.kill();
    await close();
    await check();
  });
});
