import { describe, expect, test } from '@jest/globals';
import { Failure, type Outcome } from '../../../src/call/index.js';
import {
  type ConnectionEvent,
  type InProcessSocket,
  type PeerPool,
  Peers,
  type PoolOptions,
} from '../../../src/connection/index.js';
import { ByteQueue, type Message, type Protocol } from '../../../src/message/index.js';
import { ManualRuntime, MemoryNetwork } from '../../../src/testing/index.js';
import { FrameCodec, frame, frameProtocol, KIND, message, payloadOf } from '../support/frame-protocol.js';
import { TestAttempt, TestTarget } from '../support/test-attempt.js';

const address = { host: 'demo', port: 20880 };
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A peer over an in-memory network whose server does what `onRequest` says. */
function start(
  protocol: Protocol,
  onRequest: (request: Message, socket: InProcessSocket) => void,
  pool: PoolOptions = {},
) {
  const network = new MemoryNetwork();
  const runtime = new ManualRuntime();
  const events: ConnectionEvent[] = [];
  const received: Message[] = [];
  network.listen(address, (socket) => {
    const [codec, queue] = [new FrameCodec(true, 'error'), new ByteQueue()];
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      queue.push(chunk);
      for (let m = codec.decode(queue); m !== null; m = codec.decode(queue)) {
        received.push(m);
        onRequest(m, socket);
      }
    });
    socket.on('end', () => socket.end());
  });
  const peers = new Peers({ runtime, transport: network, pool, listener: (event) => events.push(event) });
  const peer = peers.acquire({ address, protocol }) as PeerPool;
  const target = new TestTarget();
  const call = () => new TestAttempt(message('request', 'x'), protocol, target).start(peer);
  const kinds = () => events.map((event) => event.kind);
  return { network, runtime, peer, target, call, kinds, received };
}

const answering = (request: Message, socket: InProcessSocket) => {
  const kind = request.tag === KIND.ping ? KIND.pong : KIND.response;
  socket.write(frame(kind, request.idHigh, request.idLow, payloadOf(request)));
};
const silent = () => {};
const timedOut = () => new Failure('ATTEMPT_TIMEOUT', { sent: 'maybe' });
const text = (outcome: Outcome) => (outcome instanceof Failure ? `${outcome.code} ${outcome.sent}` : 'reply');

describe('with heartbeats', () => {
  const protocol = frameProtocol({ heartbeats: true });

  test('a silent peer that owes a reply is probed after readSilence and given up after another', async () => {
    const { runtime, call, kinds, received, target } = start(protocol, silent);
    const attempt = call();
    await turn();
    await runtime.advanceAsync(4900);
    expect(received.filter((m) => m.tag === KIND.ping).length).toBe(0);
    await runtime.advanceAsync(200);
    expect(received.filter((m) => m.tag === KIND.ping).length).toBe(1);
    await runtime.advanceAsync(4800);
    expect(attempt.settled).toBe(false);
    await runtime.advanceAsync(100);
    expect(text(await attempt.done)).toBe('CONNECTION_LOST maybe');
    expect(kinds()).toEqual(['opened', 'silent', 'closed']);
    expect(target.inflight).toBe(0);
  });

  test('a call may take long at a peer that answers probes', async () => {
    const { runtime, call, kinds } = start(protocol, (request, socket) => {
      if (request.tag === KIND.ping) answering(request, socket);
    });
    const attempt = call();
    await turn();
    await runtime.advanceAsync(120_000);
    expect(attempt.settled).toBe(false);
    expect(kinds()).toEqual(['opened']);
  });

  test('after a stall of our own event loop the replies that are there are read first', async () => {
    const { runtime, call, kinds } = start(protocol, answering);
    const attempt = call();
    runtime.stall(60_000);
    await turn();
    runtime.advance(0);
    expect(text(await attempt.done)).toBe('reply');
    expect(kinds()).toEqual(['opened']);
  });

  test('an idle connection is kept by heartbeats, closed after three unanswered', async () => {
    let answers = true;
    const { runtime, call, kinds, received } = start(protocol, (request, socket) => {
      if (answers) answering(request, socket);
    });
    await call().done;
    await runtime.advanceAsync(5000 + 4 * 60_000);
    expect(received.filter((m) => m.tag === KIND.ping).length).toBe(4);
    answers = false;
    await runtime.advanceAsync(4 * 60_000);
    expect(kinds()).toEqual(['opened', 'silent', 'closed']);
  });
});

describe('without heartbeats', () => {
  test('silence alone proves nothing', async () => {
    const { runtime, call, kinds } = start(frameProtocol(), silent);
    const attempt = call();
    await turn();
    await runtime.advanceAsync(25_000);
    expect(attempt.settled).toBe(false);
    expect(kinds()).toEqual(['opened']);
  });

  test('three attempts timed out with nothing read between retire the connection; cancellations do not', async () => {
    const { network, call, kinds, target } = start(frameProtocol(), silent);
    const waiting = call();
    const others = Array.from({ length: 6 }, call);
    await turn();
    for (const each of others.slice(0, 3)) each.end(new Failure('CANCELLED'));
    expect(kinds()).toEqual(['opened']);
    for (const each of others.slice(3)) each.end(timedOut());
    expect(kinds()).toEqual(['opened', 'draining']);
    expect([waiting.settled, target.inflight]).toEqual([false, 7]);
    call();
    await turn();
    expect(network.dialled.length).toBe(2);
    waiting.end(timedOut());
    expect(kinds()).toEqual(['opened', 'draining', 'opened', 'closed']);
    expect(target.inflight).toBe(1);
  });

  test('anything read between begins the count anew', async () => {
    let answers = false;
    const { call, kinds } = start(frameProtocol(), (request, socket) => {
      if (answers) answering(request, socket);
    });
    const attempts = [call(), call(), call()];
    await turn();
    attempts[0]!.end(timedOut());
    attempts[1]!.end(timedOut());
    answers = true;
    await call().done;
    attempts[2]!.end(timedOut());
    expect(kinds()).toEqual(['opened']);
  });

  test('a connection that owes a reply for too long takes no new calls, and goes with its last one', async () => {
    const { runtime, network, call, kinds, target } = start(frameProtocol(), silent, { maxTombstoneMs: 10_000 });
    const [given, waiting] = [call(), call()];
    await turn();
    given.end(new Failure('CANCELLED'));
    await runtime.advanceAsync(13_000);
    expect(kinds()).toEqual(['opened', 'draining']);
    call();
    await turn();
    expect(network.dialled.length).toBe(2);
    expect(target.inflight).toBe(3);
    waiting.end(new Failure('CANCELLED'));
    expect(target.inflight).toBe(1);
  });

  test('an idle connection is closed after idleMs', async () => {
    const { runtime, peer, call, kinds } = start(frameProtocol(), answering);
    await call().done;
    await runtime.advanceAsync(600_000);
    expect([peer.open, kinds()]).toEqual([1, ['opened']]);
    await runtime.advanceAsync(5000);
    expect([peer.open, kinds()]).toEqual([0, ['opened', 'closed']]);
    expect(runtime.pending).toBe(0);
  });
});
