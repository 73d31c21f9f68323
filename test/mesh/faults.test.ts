import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Subscription } from 'rxjs';
import { plainTransport } from '../../src/connection/index.js';
import type { Failure, Mesh, MeshOptions, Protocol } from '../../src/index.js';
import { frameProtocol } from '../connection/support/frame-protocol.js';
import { PeerProcess } from '../connection/support/peer-process.js';
import { count, QUIET, quiet, turn } from './scene.js';
import { callOnce, DEMO, message, payloadOf, policy, world } from './support.js';

/** Real sockets, peers in processes of their own, thousands of calls with payloads of their own: none lost, none crossed. */
let peers: [PeerProcess, PeerProcess];
let mesh: Mesh | undefined;

beforeEach(async () => {
  peers = [await PeerProcess.start(), await PeerProcess.start()];
});
afterEach(async () => {
  await mesh?.close({ drainMs: 0 });
  mesh = undefined;
  await Promise.all(peers.map((peer) => peer.kill()));
});

const RETRY =
  'retry: { attempts: 3, backoff: { base: 1ms, max: 5ms }, idempotent: true, budget: { percent: 500, minPerSecond: 1000 } }';

async function start(policies: string, options: Partial<MeshOptions> = {}): Promise<Mesh> {
  const [one, two] = peers.map((peer) => peer.port);
  const rules = `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: demo, namespace: test }
spec:
  hosts: [demo.test]
  ports: [{ number: 9000, name: tcp-metaprotocol-frame, protocol: TCP }]
  resolution: STATIC
  endpoints:
    - { address: 127.0.0.1, ports: { tcp-metaprotocol-frame: ${one} } }
    - { address: 127.0.0.1, ports: { tcp-metaprotocol-frame: ${two} } }
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: demo, namespace: test }
spec: { host: demo.test, trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } } }
${policy(policies)}`;
  mesh = world(rules, { transport: plainTransport, ...options }).mesh;
  await mesh.ready();
  return mesh;
}

interface Tally {
  ok: number;
  /** By code. */
  readonly failed: Record<string, number>;
  /** Replies to somebody else's request. */
  crossed: number;
}

/** Calls, `width` at a time, the one or the other event in between. */
async function load(
  calls: number,
  width: number,
  events: Readonly<Record<number, () => unknown>> = {},
): Promise<Tally> {
  const tally: Tally = { ok: 0, failed: {}, crossed: 0 };
  let begun = 0;
  const caller = async (): Promise<void> => {
    while (begun < calls) {
      const payload = `${begun} of ${calls} ${'.'.repeat(begun % 97)}`;
      const event = events[begun++];
      if (event !== undefined) await event();
      const answer = await callOnce(mesh!, payload);
      if (answer === payload) tally.ok++;
      else if (/^[A-Z_]+$/.test(answer)) tally.failed[answer] = (tally.failed[answer] ?? 0) + 1;
      else tally.crossed++;
    }
  };
  await Promise.all(Array.from({ length: width }, caller));
  return tally;
}

/** All is answered, counted once, and nothing is under way. */
function expectWhole(calls: number): void {
  expect(quiet(mesh!)).toMatchObject({ ...QUIET, inflight: expect.any(Number) });
  expect(count(mesh!, 'requests_total')).toBe(calls);
}

const ALL_OK = (ok: number): Tally => ({ ok, failed: {}, crossed: 0 });

test('a peer that is killed: retries hide it, and it is used again when it is back', async () => {
  await start(RETRY, { connections: { pool: { backoffBaseMs: 20, backoffMaxMs: 50 } } });
  const [victim] = peers;
  expect(await load(3000, 40, { 1000: () => victim.kill() })).toEqual(ALL_OK(3000));
  expect(victim.requests).toBeGreaterThan(100);
  peers[0] = await PeerProcess.start(victim.port);
  let calls = 3000;
  while (peers[0].requests < 100) {
    expect(await load(500, 40)).toEqual(ALL_OK(500));
    calls += 500;
  }
  expectWhole(calls);
});

test('a peer that is stopped: its attempts time out and go elsewhere; what it says when it goes on reaches nobody', async () => {
  await start(`attemptTimeout: 100ms, ${RETRY}`);
  const [victim] = peers;
  expect(await load(1500, 40, { 500: () => victim.signal('SIGSTOP') })).toEqual(ALL_OK(1500));
  expect(count(mesh!, 'upstream_rq_total', { outcome: 'ATTEMPT_TIMEOUT' })).toBeGreaterThan(0);
  victim.signal('SIGCONT');
  expect(await load(500, 40)).toEqual(ALL_OK(500));
  expectWhole(2000);
});

test('a peer that is stopped, of a protocol with heartbeats: its silence is noticed without any timeout', async () => {
  const protocol: Protocol = { ...frameProtocol({ heartbeats: true }), name: 'frame' };
  await start(RETRY, { protocols: [protocol], connections: { pool: { readSilenceMs: 50, backoffBaseMs: 2000 } } });
  const [victim] = peers;
  expect(await load(1000, 40, { 500: () => victim.signal('SIGSTOP') })).toEqual(ALL_OK(1000));
  expect(count(mesh!, 'upstream_rq_total', { outcome: 'CONNECTION_LOST' })).toBeGreaterThan(0);
  victim.signal('SIGCONT');
  expectWhole(1000);
});

test('a peer that sends garbage: the culprit alone fails, its neighbours are sent elsewhere', async () => {
  await start(RETRY);
  const [victim] = peers;
  const garble = async () => {
    await victim.tell('hold');
    await victim.tell('garbage');
    await victim.tell('echo');
  };
  const tally = await load(3000, 40, { 500: garble, 1500: garble, 2500: garble });
  expect(tally.crossed).toBe(0);
  const { BAD_REPLY = 0, ...others } = tally.failed;
  expect(others).toEqual({});
  expect(BAD_REPLY).toBeLessThanOrEqual(3);
  expect(tally.ok + BAD_REPLY).toBe(3000);
  expectWhole(3000);
});

test('peers that answer in any order, late, twice, and hang up in the midst', async () => {
  await start(RETRY);
  const [one, two] = peers;
  await one.tell('crowd', { crowd: 10 });
  const heldBack = async () => {
    await two.tell('hold');
    const { requests } = two;
    await two.until(() => two.requests >= requests + 10);
    await two.tell('reverse'); // each twice, the last first
    await two.tell('crowd', { crowd: 7 });
  };
  const tally = await load(3000, 60, {
    500: heldBack,
    1500: () => two.tell('hang-up').then(() => two.tell('echo')),
    2900: () => one.tell('echo'),
  });
  expect(tally).toEqual(ALL_OK(3000));
  expectWhole(3000);
});

test('callers that go away under load: those that stay get their own', async () => {
  await start(RETRY);
  await peers[0].tell('crowd', { crowd: 5 });
  const all = new Subscription();
  const answers: Promise<string | undefined>[] = [];
  for (let i = 0; i < 2000; i++) {
    if (i % 2 === 0) {
      const gone = mesh!.call(DEMO, message('request', `gone ${i}`)).subscribe({ error: () => {} });
      if (i % 4 === 0) gone.unsubscribe();
      else setImmediate(() => gone.unsubscribe());
      all.add(gone);
    } else {
      answers.push(
        new Promise((resolve) => {
          mesh!.call(DEMO, message('request', `stays ${i}`)).subscribe({
            next: (reply) => resolve(payloadOf(reply.message!)),
            error: (failure: Failure) => resolve(failure.message),
          });
        }),
      );
    }
    if (i % 50 === 0) await turn();
  }
  await turn();
  await peers[0].tell('echo');
  const stayed = await Promise.all(answers);
  expect(stayed).toEqual(stayed.map((_, i) => `stays ${2 * i + 1}`));
  all.unsubscribe();
  expectWhole(2000);
});

test('our own event loop stalls past the deadlines of calls whose replies have come: none times out', async () => {
  await start('timeout: 100ms');
  await load(20, 4); // connections are open
  const before = peers[0].requests + peers[1].requests;
  expect(before).toBe(20);
  const answers = Array.from({ length: 200 }, (_, i) => callOnce(mesh!, `stalled ${i}`));
  await turn(); // they are sent
  const until = performance.now() + 150;
  while (performance.now() < until);
  expect(await Promise.all(answers)).toEqual(answers.map((_, i) => `stalled ${i}`));
  expect(quiet(mesh!)).toEqual(QUIET);
});
