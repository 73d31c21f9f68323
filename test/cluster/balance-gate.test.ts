import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Attempt, Failure } from '../../src/call/index.js';
import { BalanceGate, type Endpoint, OutlierGate } from '../../src/cluster/index.js';
import { type Verdict, WAIT } from '../../src/policy/stage.js';
import { attempt, endpointRules, FakeAttempt, FakePass, OUTLIER, reply, testCluster } from './support.js';

const REFUSED = new Failure('CONNECT_FAILED');

function gate(size = 2) {
  const all = testCluster({ outlier: OUTLIER });
  all.cluster.setEndpoints(endpointRules(Array(size).fill(1)));
  const inflight = () => all.cluster.snapshot().map((e) => e.inflight);
  return { ...all, gate: new BalanceGate(all.cluster), inflight };
}

/** An attempt that keeps a refusal which comes within `checkout`, as the runner's does. */
class Refusable extends FakeAttempt {
  early: Failure | undefined = undefined;

  override refused(failure?: Failure): void {
    this.early = failure;
  }

  /** As the runner enters the stage. */
  enter(balance: BalanceGate): Verdict {
    let verdict = balance.before(this);
    for (let refusal = this.early; refusal !== undefined; refusal = this.early) {
      expect(verdict).toBe(WAIT);
      this.early = undefined;
      verdict = balance.repick(this, refusal);
    }
    return verdict;
  }
}

describe('balance gate', () => {
  test('gives target and connection at once where the peer has one', () => {
    const { gate: balance } = gate();
    const a = attempt();
    expect(balance.before(a)).toBeUndefined();
    expect(a.target).toBeDefined();
    expect(a.connection).toBeDefined();
  });

  test('waits where the peer must connect', () => {
    const { gate: balance, peer } = gate(1);
    peer(0).answer = 'wait';
    const a = attempt();
    expect(balance.before(a)).toBe(WAIT);
    expect(peer(0).waiting).toEqual([a]);
  });

  test('refuses where no endpoint can be used', () => {
    const verdict = gate(0).gate.before(attempt());
    expect(verdict).toBeInstanceOf(Failure);
    expect((verdict as Failure).code).toBe('NO_ENDPOINT');
  });

  test('a refused connect goes to each other endpoint once, then the attempt fails with it', () => {
    const { gate: balance, peers, inflight } = gate(3);
    for (const peer of peers.values()) peer.answer = 'wait';
    const a = attempt();
    balance.before(a);
    const first = a.target;
    expect(balance.repick(a, REFUSED)).toBe(WAIT);
    expect(balance.repick(a, REFUSED)).toBe(WAIT);
    expect(balance.repick(a, REFUSED)).toBe(REFUSED);
    expect(a.target).toBeUndefined();
    expect(new Set(a.unreachable).size).toBe(3);
    expect(a.unreachable?.[0]).toBe(first);
    balance.settled(a, REFUSED);
    expect(inflight()).toEqual([0, 0, 0]);
  });

  test('does not try a whole dead fleet', () => {
    const { gate: balance, peers } = gate(100);
    for (const peer of peers.values()) peer.answer = { refuse: REFUSED };
    const a = new Refusable(new FakePass());
    expect(a.enter(balance)).toBe(REFUSED);
    expect(a.unreachable).toHaveLength(8);
  });

  test("a full queue of one peer is not the cluster's: another is asked, and nobody blamed", () => {
    const { gate: balance, cluster, peers } = gate(2);
    for (const peer of peers.values()) peer.answer = 'wait';
    const a = attempt();
    balance.before(a);
    const first = a.target;
    expect(balance.repick(a, new Failure('OVERFLOW'))).toBe(WAIT);
    expect(a.target).not.toBe(first);
    expect(cluster.snapshot().map((e) => e.consecutiveFailures)).toEqual([0, 0]);
  });

  test('a peer that refuses within checkout, and the next one that has a connection: the attempt keeps that one', () => {
    const { gate: balance, peers } = gate(2);
    const [one, two] = [...peers.values()];
    one!.answer = { refuse: REFUSED };
    for (let i = 0; i < 2; i++) {
      const a = new Refusable(new FakePass());
      expect(a.enter(balance)).toBeUndefined();
      expect(a.connection).toBeDefined();
      expect((a.target as Endpoint).peer).toBe(two);
    }
  });

  test('each failed connect is learnt of: five in a row eject', () => {
    const { gate: balance, cluster, peer } = gate(1);
    peer(0).answer = 'wait';
    for (let i = 0; i < 5; i++) {
      const a = attempt();
      balance.before(a);
      const verdict = balance.repick(a, REFUSED);
      new OutlierGate(cluster).settled(a, verdict as Failure);
    }
    expect(cluster.snapshot()[0]?.healthy).toBe(false);
  });
});

/**
 * Whatever an attempt goes through, it comes off its endpoint exactly once. The other owners are played here: a runner
 * that marks the hand-over, and a connection that releases what it was sent.
 */
test('exactly one of connection, settled and repick releases', () => {
  const step = fc.constantFrom('connect', 'refuse', 'settle', 'send', 'end');
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.record({ waits: fc.boolean(), steps: fc.array(step, { maxLength: 6 }) }), { maxLength: 12 }),
      fc.boolean(),
      (size, plans, leaves) => {
        const { gate: balance, cluster, peers, inflight } = gate(size);
        const tombstones: Attempt[] = [];
        for (const { waits, steps } of plans) {
          for (const peer of peers.values()) peer.answer = waits ? 'wait' : 'connection';
          const a = attempt();
          let verdict = balance.before(a);
          if (verdict instanceof Failure) continue;
          for (const next of steps) {
            if (next === 'connect' && verdict === WAIT) {
              a.connection = { send() {}, abandon() {} };
              verdict = undefined;
            } else if (next === 'refuse' && verdict === WAIT) {
              verdict = balance.repick(a, REFUSED);
            } else if (next === 'send' && verdict === undefined && !a.dispatched) {
              a.dispatched = true;
              tombstones.push(a);
            }
          }
          balance.settled(a, reply());
        }
        expect(inflight().reduce((sum, n) => sum + n, 0)).toBe(tombstones.length);
        if (leaves) cluster.close();
        for (const a of tombstones) a.target!.release();
        cluster.close();
        expect([...peers.values()].map((peer) => peer.releases)).toEqual(Array(size).fill(1));
      },
    ),
    { seed: 7 },
  );
});
