import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Failure } from '../../../src/call/index.js';
import { type InProcessSocket, type PeerPool, Peers } from '../../../src/connection/index.js';
import { ByteQueue, type Message, type Sharing } from '../../../src/message/index.js';
import { ManualRuntime, MemoryNetwork } from '../../../src/testing/index.js';
import { FrameCodec, frame, frameProtocol, KIND, message, payloadOf } from '../support/frame-protocol.js';
import { TestAttempt, TestTarget } from '../support/test-attempt.js';

/**
 * Any mixture of calls, cancellations and misbehaviour of the peer: each attempt is settled exactly once, by the echo of
 * its own request or by a failure, and frees its place exactly once. In order, a peer that answers out of turn or twice
 * cannot be told from an honest one if it sends no ids: there it does neither.
 */
type Step = readonly [
  step:
    | 'call'
    | 'oneway'
    | 'answer'
    | 'again'
    | 'stranger'
    | 'cancel'
    | 'time-out'
    | 'garbage'
    | 'cut'
    | 'end'
    | 'drain'
    | 'ping'
    | 'wait'
    | 'gone'
    | 'back',
  choice: number,
];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom('call' as const, 'answer' as const) },
    { weight: 4, arbitrary: fc.constantFrom('cancel' as const, 'oneway' as const, 'wait' as const) },
    {
      weight: 2,
      arbitrary: fc.constantFrom('time-out' as const, 'again' as const, 'stranger' as const, 'ping' as const),
    },
    { weight: 1, arbitrary: fc.constantFrom('garbage' as const, 'cut' as const, 'end' as const, 'drain' as const) },
    { weight: 1, arbitrary: fc.constantFrom('gone' as const, 'back' as const) },
  ),
  fc.nat({ max: 1000 }),
);

const turn = () => new Promise((resolve) => setImmediate(resolve));
const address = { host: 'chaos', port: 1 };

async function run(sharing: Sharing, steps: readonly Step[], seed: number): Promise<void> {
  const protocol = frameProtocol({ sharing, heartbeats: seed % 2 === 0 });
  const network = new MemoryNetwork();
  const runtime = new ManualRuntime(seed);
  const open: { socket: InProcessSocket; request: Message }[] = [];
  const answered: { socket: InProcessSocket; request: Message }[] = [];
  const sockets = new Set<InProcessSocket>();
  const serve = (socket: InProcessSocket) => {
    sockets.add(socket);
    const [codec, queue] = [new FrameCodec(true, 'error'), new ByteQueue()];
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => {
      queue.push(chunk);
      for (let m = codec.decode(queue); m !== null; m = codec.decode(queue)) {
        if (m.kind === 'request') open.push({ socket, request: m });
      }
    });
  };
  let stop = network.listen(address, serve);
  const pool = { maxConnections: 3, maxInFlight: 5, maxPending: 10, maxTombstoneMs: 500, backoffMaxMs: 200 };
  const peers = new Peers({ runtime, transport: network, pool });
  const peer = peers.acquire({ address, protocol }) as PeerPool;
  const target = new TestTarget();
  const attempts: TestAttempt[] = [];
  const begin = (kind: 'request' | 'oneway', n: number) => {
    const attempt = new TestAttempt(message(kind, `call ${attempts.length} ${'x'.repeat(n)}`), protocol, target);
    attempts.push(attempt);
    attempt.start(peer);
  };
  /** In pieces of any size, as TCP may deliver them. */
  const send = (socket: InProcessSocket, bytes: Buffer, choice: number) => {
    if (socket.destroyed || socket.writableEnded) return;
    const at = choice % bytes.length;
    if (at > 0) socket.write(bytes.subarray(0, at));
    socket.write(bytes.subarray(at));
  };
  const reply = (to: { socket: InProcessSocket; request: Message }, choice: number) => {
    const { socket, request } = to;
    send(socket, frame(KIND.response, request.idHigh, request.idLow, payloadOf(request)), choice);
  };
  const multiplexed = sharing === 'multiplexed';

  for (const [what, choice] of steps) {
    const socket = [...sockets][choice % sockets.size];
    const pending = attempts.filter((attempt) => !attempt.settled);
    const one = pending[choice % pending.length];
    if (what === 'call') begin('request', choice);
    else if (what === 'oneway') begin('oneway', choice);
    else if (what === 'gone') stop();
    else if (what === 'back') stop = network.listen(address, serve);
    else if (what === 'wait') await runtime.advanceAsync(choice);
    else if (what === 'cancel') one?.end(new Failure('CANCELLED'));
    else if (what === 'time-out') one?.end(new Failure('ATTEMPT_TIMEOUT', { sent: 'maybe' }));
    else if (what === 'answer' && open.length > 0) {
      const next = open.splice(multiplexed ? choice % open.length : 0, 1)[0]!;
      answered.push(next);
      reply(next, choice);
    } else if (what === 'again' && multiplexed && answered.length > 0)
      reply(answered[choice % answered.length]!, choice);
    else if (socket !== undefined) {
      if (what === 'stranger' && multiplexed)
        send(socket, frame(KIND.response, choice % 2, choice + 5000, 'stranger'), choice);
      if (what === 'garbage') send(socket, Buffer.alloc(20, choice % 247), choice);
      if (what === 'cut') socket.destroy();
      if (what === 'end') socket.end(frame(KIND.response, 0, 1, 'cut off').subarray(0, choice % 20));
      if (what === 'drain') send(socket, frame(KIND.event, 0, 0, 'drain'), choice);
      if (what === 'ping') send(socket, frame(KIND.ping, 0, choice, ''), choice);
    }
    if (choice % 3 === 0) await turn();
  }
  await turn();
  await turn();
  // Who waits now waits for a reply on an open connection, or for nothing.
  expect(peer.waiting === 0 || peer.open > 0).toBe(true);
  const drained = peers.drain(1000);
  await runtime.advanceAsync(60_000);
  await drained;

  for (const attempt of attempts) {
    expect([attempt.settlements, attempt.settled]).toEqual([1, true]);
    const { outcome } = attempt;
    if (outcome instanceof Failure || outcome!.message === undefined) continue;
    expect(payloadOf(outcome!.message)).toBe(payloadOf(attempt.request));
  }
  expect([target.inflight, peer.waiting, peer.outstanding, peer.open]).toEqual([0, 0, 0, 0]);
  expect(runtime.pending).toBe(0);
}

test.each(['multiplexed', 'pipelined', 'exclusive'] as const)(
  '%s: nothing is lost, crossed or settled twice',
  async (sharing) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 80 }), fc.nat({ max: 1000 }), (steps, seed) =>
        run(sharing, steps, seed),
      ),
      { numRuns: 150 },
    );
  },
);
