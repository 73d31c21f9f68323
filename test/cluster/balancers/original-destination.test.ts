import { describe, expect, test } from '@jest/globals';
import { Failure } from '../../../src/call/index.js';
import { attempt, endpointRule, type FakeAttempt, OUTLIER, testCluster } from '../support.js';

const ORIGINAL = { balancer: { kind: 'original-destination' }, outlier: OUTLIER } as const;

/** A first attempt of a call to that address, or another one of the same call. */
function to(host: string, of?: FakeAttempt): FakeAttempt {
  const one = attempt(of);
  Object.assign(one.pass.call, { destination: { host, port: 20880 } });
  return one;
}

describe('a cluster whose callers choose', () => {
  const [first, second] = [endpointRule(0), endpointRule(1)];

  test('the endpoint that is called is the endpoint that is picked, at every attempt', () => {
    const { cluster } = testCluster(ORIGINAL);
    cluster.setEndpoints([first, second]);
    for (const { address } of [first, second]) {
      const one = to(address);
      one.target = cluster.pick(one);
      expect(one.target?.address).toBe(`${address}:20880`);
      expect(cluster.pick(to(address, one))).toBe(one.target);
    }
  });

  test('a connect that failed leaves the attempt without one, and nobody is ejected', () => {
    const { cluster } = testCluster(ORIGINAL);
    cluster.setEndpoints([first, second]);
    for (let i = 0; i < 2 * OUTLIER.consecutiveErrors; i++) {
      const one = to(first.address);
      const endpoint = cluster.pick(one)!;
      cluster.failedConnect(endpoint, one, new Failure('CONNECT_FAILED', {}));
      expect(cluster.pick(one)).toBeUndefined();
      expect(cluster.explainNone(one).message).toContain('none of 2 endpoints');
    }
    expect(cluster.snapshot().map(({ inflight }) => inflight)).toEqual([0, 0]);
  });

  test('one that takes no more calls is not replaced by another', () => {
    const { cluster, peer } = testCluster(ORIGINAL);
    cluster.setEndpoints([first, second]);
    peer(0).draining = true;
    expect(cluster.pick(to(first.address))).toBeUndefined();
    expect(cluster.pick(to(second.address))?.rule).toBe(second);
  });

  test('a call that names none of the endpoints is balanced', () => {
    const { cluster } = testCluster(ORIGINAL);
    cluster.setEndpoints([first, second]);
    const picked = new Set(Array.from({ length: 20 }, () => cluster.pick(to('service.test'))));
    expect(picked.size).toBe(2);
  });

  test('without endpoints it goes wherever it is told, and lets go of all of it when closed', () => {
    const { cluster, peers } = testCluster(ORIGINAL);
    const one = cluster.pick(to('10.9.9.9'))!;
    expect(one.address).toBe('10.9.9.9:20880');
    expect(cluster.pick(to('10.9.9.9'))).toBe(one);
    expect(cluster.pick(to('a.test'))!.address).toBe('a.test:20880');
    expect(cluster.snapshot()).toHaveLength(2);
    one.release();
    cluster.close();
    expect(peers.get('10.9.9.9')!.releases).toBe(0);
    one.release();
    expect(peers.get('10.9.9.9')!.releases).toBe(1);
  });

  test('it remembers a bounded number of addresses: the longest unused makes room, one in use never', () => {
    const { cluster, peers } = testCluster(ORIGINAL);
    const busy = cluster.pick(to('busy'))!;
    for (let i = 0; i < 3_000; i++) cluster.pick(to(`host-${i}`))!.release();
    expect(cluster.snapshot()).toHaveLength(1_024);
    expect(peers.get('host-0')!.releases).toBe(1);
    expect(peers.get('host-2999')!.releases).toBe(0);
    expect(cluster.pick(to('busy'))).toBe(busy);
  });

  test('where mTLS is wanted nothing is dialled in the clear', () => {
    const { cluster } = testCluster({ ...ORIGINAL, tlsMode: 'istio' });
    expect(cluster.pick(to('10.9.9.9'))).toBeUndefined();
  });
});
