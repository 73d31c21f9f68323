import { describe, expect, test } from '@jest/globals';
import { Failure } from '../../src/call/index.js';
import type { ClusterEvent } from '../../src/cluster/index.js';
import { attempt, clusterRule, endpointRule, endpointRules, OUTLIER, reply, testCluster } from './support.js';

const FAILED = reply('framework');

describe('members', () => {
  test('a subset takes the endpoints that have all its labels', () => {
    const { cluster } = testCluster({ labels: { version: 'v2', zone: 'a' } });
    cluster.setEndpoints([
      endpointRule(1, { labels: { version: 'v2', zone: 'a', more: 'x' } }),
      endpointRule(2, { labels: { version: 'v2' } }),
      endpointRule(3, { labels: { version: 'v1', zone: 'a' } }),
    ]);
    expect(cluster.snapshot().map((e) => e.address)).toEqual(['10.0.0.1:20880']);
  });

  test('other labels of the rule choose anew among the same offer', () => {
    const { cluster, peer } = testCluster({ labels: { version: 'v1' } });
    cluster.setEndpoints([
      endpointRule(1, { labels: { version: 'v1' } }),
      endpointRule(2, { labels: { version: 'v2' } }),
    ]);
    cluster.update(clusterRule({ labels: { version: 'v2' } }));
    expect(cluster.snapshot().map((e) => e.address)).toEqual(['10.0.0.2:20880']);
    expect(peer(1).releases).toBe(1);
  });

  test('an endpoint that stays is the same, with its in-flight count, under another weight', () => {
    const { cluster, peers } = testCluster();
    cluster.setEndpoints([endpointRule(1)]);
    const picked = cluster.pick(attempt())!;
    cluster.setEndpoints([endpointRule(2), endpointRule(1, { weight: 5 })]);
    expect(cluster.snapshot().find((e) => e.address === picked.address)).toMatchObject({ weight: 5, inflight: 1 });
    expect(peers.size).toBe(2);
  });

  test('one that is gone takes nothing new, and lets go of its peer with its last attempt, once', () => {
    const { cluster, peer } = testCluster();
    cluster.setEndpoints([endpointRule(1)]);
    const first = cluster.pick(attempt())!;
    const second = cluster.pick(attempt())!;
    cluster.setEndpoints([endpointRule(2)]);
    expect(cluster.pick(attempt())?.address).toBe('10.0.0.2:20880');
    expect(cluster.snapshot()).toMatchObject([{}, { address: '10.0.0.1:20880', draining: true, inflight: 2 }]);
    first.release();
    expect(peer(1).releases).toBe(0);
    second.release();
    expect(peer(1).releases).toBe(1);
    expect(cluster.snapshot()).toHaveLength(1);
  });

  test('one that comes again before its last attempt ended is the same, and keeps its peer', () => {
    const { cluster, peer, peers } = testCluster();
    cluster.setEndpoints([endpointRule(1)]);
    const picked = cluster.pick(attempt())!;
    cluster.setEndpoints([]);
    cluster.setEndpoints([endpointRule(1)]);
    expect(cluster.pick(attempt())).toBe(picked);
    expect(picked.inflight).toBe(2);
    picked.release();
    picked.release();
    expect([peer(1).releases, peers.size]).toEqual([0, 1]);
  });

  test('close lets go of all peers, of busy ones when they are idle', () => {
    const { cluster, peer } = testCluster();
    cluster.setEndpoints(endpointRules([1, 1]));
    const busy = cluster.pick(attempt())!;
    const index = busy.address === '10.0.0.0:20880' ? 0 : 1;
    cluster.close();
    expect([peer(index).releases, peer(1 - index).releases]).toEqual([0, 1]);
    busy.release();
    expect([peer(index).releases, peer(1 - index).releases]).toEqual([1, 1]);
  });

  test('an address that is offered twice counts once', () => {
    const { cluster, peers } = testCluster();
    cluster.setEndpoints([endpointRule(1), endpointRule(1)]);
    expect([cluster.snapshot().length, peers.size]).toEqual([1, 1]);
  });

  test('one more of 10,000 costs one peer', () => {
    const { cluster, peers } = testCluster();
    const many = endpointRules(Array(10_000).fill(1));
    cluster.setEndpoints(many);
    cluster.setEndpoints([...endpointRules(Array(10_000).fill(1)), endpointRule(10_000)]);
    expect(peers.size).toBe(10_001);
    expect([...peers.values()].some((peer) => peer.releases > 0)).toBe(false);
  });

  test('IPv6 addresses are written as Envoy does', () => {
    const { cluster } = testCluster();
    cluster.setEndpoints([endpointRule(1, { address: 'fd00::1' })]);
    expect(cluster.snapshot()[0]?.address).toBe('[fd00::1]:20880');
  });
});

describe('pick', () => {
  test('peers that drain are not picked', () => {
    const { cluster, peer } = testCluster();
    cluster.setEndpoints(endpointRules([1, 1, 1]));
    peer(1).draining = true;
    const picked = new Set(Array.from({ length: 20 }, () => cluster.pick(attempt())?.address));
    expect([...picked].sort()).toEqual(['10.0.0.0:20880', '10.0.0.2:20880']);
  });

  test('a retry goes where the call was not yet, and back only if that leaves nothing', () => {
    const { cluster } = testCluster();
    cluster.setEndpoints(endpointRules([1, 1]));
    const first = attempt();
    first.target = cluster.pick(first);
    const second = attempt(first);
    second.target = cluster.pick(second);
    expect(second.target).not.toBe(first.target);
    const third = attempt(first);
    expect(cluster.pick(third)).toBeDefined();
  });

  test('a failed connect is never picked again for the attempt, by a retry only if nothing else is left', () => {
    const { cluster } = testCluster();
    cluster.setEndpoints(endpointRules([1, 1]));
    const first = attempt();
    const failed = cluster.pick(first)!;
    cluster.failedConnect(failed, first, new Failure('CONNECT_FAILED'));
    expect(failed.inflight).toBe(0);
    const other = cluster.pick(first)!;
    expect(other).not.toBe(failed);
    cluster.failedConnect(other, first, new Failure('CONNECT_FAILED'));
    expect(cluster.pick(first)).toBeUndefined();
    expect(cluster.pick(attempt(first))).toBeDefined();
  });

  test('nothing is dialled in plaintext that wants mTLS: by its own mode, or by the rule where it has none', () => {
    const { cluster } = testCluster({ tlsMode: 'istio' });
    cluster.setEndpoints([endpointRule(1), endpointRule(2, { tlsMode: 'istio' })]);
    expect(cluster.pick(attempt())).toBeUndefined();
    expect(cluster.explainNone(attempt()).message).toMatch(/none of 2 endpoints can be used: 2 want mTLS/);
    cluster.setEndpoints([endpointRule(1), endpointRule(3, { tlsMode: 'disabled' })]);
    expect(cluster.pick(attempt())?.address).toBe('10.0.0.3:20880');
    cluster.update(clusterRule({ tlsMode: 'disabled' }));
    expect(new Set([1, 2, 3, 4].map(() => cluster.pick(attempt())?.address)).size).toBe(2);
  });

  test('the failure counts what is against each endpoint', () => {
    const { cluster, peer } = testCluster({ outlier: { ...OUTLIER, maxEjectionPercent: 100 } });
    cluster.setEndpoints([...endpointRules([1, 1, 1]), endpointRule(3, { tlsMode: 'istio' })]);
    const first = attempt();
    first.target = cluster.pick(first);
    const tried = first.target;
    const [ejected, draining] = [0, 1, 2].filter((i) => `10.0.0.${i}:20880` !== tried?.address) as [number, number];
    peer(draining).draining = true;
    for (let i = 0; i < 5; i++) {
      const failing = attempt();
      do failing.target = cluster.pick(failing);
      while (failing.target?.address !== `10.0.0.${ejected}:20880`);
      cluster.observe(failing, FAILED);
    }
    const none = cluster.explainNone(attempt(first));
    expect(none.code).toBe('NO_ENDPOINT');
    expect(none.message).toMatch(
      /^NO_ENDPOINT: outbound\|20880\|\|demo: none of 4 endpoints can be used: 1 ejected, 1 draining, 1 tried already, 1 want mTLS/,
    );
  });

  test('without endpoints it says which labels nobody has', () => {
    const { cluster } = testCluster({ labels: { version: 'v3' } });
    cluster.setEndpoints(endpointRules([1]));
    expect(cluster.explainNone(attempt()).message).toContain('no endpoint of demo_20880 has version=v3');
    expect(testCluster().cluster.explainNone(attempt()).message).toContain('it has no endpoints');
  });

  test('ring hash without its engine is refused when the rule comes, and the former rule stays', () => {
    const balancer = { kind: 'ring-hash', minimumRingSize: 1024, maximumRingSize: 8192 } as const;
    expect(() => testCluster({ balancer })).toThrow(/outbound\|20880\|\|demo .*needs the engine "hash"/);
    const { cluster } = testCluster();
    expect(() => cluster.update(clusterRule({ balancer }))).toThrow(/engine "hash"/);
    expect(cluster.rule.balancer.kind).toBe('round-robin');
  });
});

describe('ejection', () => {
  function ejectOne(outlier = OUTLIER, endpoints = 3) {
    const events: ClusterEvent[] = [];
    const all = testCluster({ outlier }, { onEvent: (event) => events.push(event) });
    all.cluster.setEndpoints(endpointRules(Array(endpoints).fill(1)));
    const bad = all.cluster.pick(attempt())!;
    for (let i = 0; i < 5; i++) {
      const failing = attempt();
      failing.target = bad;
      all.cluster.observe(failing, FAILED);
    }
    return { ...all, bad, events };
  }

  test('is obeyed until its time is over, and told of both ways', () => {
    const { cluster, bad, runtime, events } = ejectOne();
    expect(events).toEqual([
      { type: 'ejected', cluster: 'outbound|20880||demo', address: bad.address, failures: 5, forMs: 30_000 },
    ]);
    const picks = () => new Set(Array.from({ length: 9 }, () => cluster.pick(attempt())));
    expect(picks().has(bad)).toBe(false);
    runtime.advance(29_999);
    expect(picks().has(bad)).toBe(false);
    expect(cluster.snapshot().find((e) => !e.healthy)?.ejectedMs).toBe(1);
    runtime.advance(1);
    expect(picks().has(bad)).toBe(true);
    expect(events[1]).toEqual({ type: 'restored', cluster: 'outbound|20880||demo', address: bad.address });
  });

  test.each([
    ['looks at the cluster', 3],
    ['closes it at the first return', 1],
  ])('is told of once to a listener that %s', (what, returns) => {
    const events: string[] = [];
    const { cluster, runtime } = testCluster(
      { outlier: { ...OUTLIER, consecutiveErrors: 1, maxEjectionPercent: 100 } },
      {
        onEvent: ({ type, address }) => {
          events.push(`${type} ${address}`);
          if (what === 'looks at the cluster') cluster.snapshot();
          else if (type === 'restored') cluster.close();
        },
      },
    );
    cluster.setEndpoints(endpointRules([1, 1, 1]));
    for (let i = 0; i < 3; i++) {
      const failing = attempt();
      failing.target = cluster.pick(failing);
      cluster.observe(failing, FAILED);
    }
    runtime.advance(30_000);
    cluster.pick(attempt());
    expect(events.filter((event) => event.startsWith('restored'))).toHaveLength(returns);
    expect(new Set(events).size).toBe(events.length);
  });

  test('is ignored in panic, but not what drains', () => {
    const { cluster, bad, peer } = ejectOne({ ...OUTLIER, minHealthPercent: 70 }, 3);
    const picks = () => new Set(Array.from({ length: 9 }, () => cluster.pick(attempt())));
    expect(picks().has(bad)).toBe(true);
    peer(Number(bad.address.slice(7, 8))).draining = true;
    expect(picks().has(bad)).toBe(false);
    cluster.update(clusterRule({ outlier: { ...OUTLIER, minHealthPercent: 66 } }));
    peer(Number(bad.address.slice(7, 8))).draining = false;
    expect(picks().has(bad)).toBe(false);
  });

  test('ends when the rule no longer asks for it, or the endpoint left and came again', () => {
    const one = ejectOne();
    one.cluster.update(clusterRule());
    expect(one.bad.ejectedUntil).toBe(0);
    const two = ejectOne();
    two.cluster.setEndpoints(endpointRules([1, 1, 1]).filter((rule) => !two.bad.address.startsWith(rule.address)));
    two.cluster.setEndpoints(endpointRules([1, 1, 1]));
    expect(two.cluster.snapshot().every((e) => e.healthy)).toBe(true);
  });

  test('a failed connect counts, and once', () => {
    const { cluster } = testCluster({ outlier: { ...OUTLIER, consecutiveErrors: 2 } });
    cluster.setEndpoints(endpointRules([1]));
    const first = attempt();
    cluster.failedConnect(cluster.pick(first)!, first, new Failure('CONNECT_FAILED'));
    cluster.observe(first, new Failure('CONNECT_FAILED'));
    expect(cluster.snapshot()[0]).toMatchObject({ healthy: true, consecutiveFailures: 1 });
    const second = attempt();
    cluster.failedConnect(cluster.pick(second)!, second, new Failure('CONNECT_FAILED'));
    expect(cluster.snapshot()[0]).toMatchObject({ healthy: false });
  });

  test("a TrafficPolicy's outlier rule is over the cluster's own", () => {
    const { cluster } = testCluster({ outlier: OUTLIER, policy: { outlier: { ...OUTLIER, consecutiveErrors: 1 } } });
    cluster.setEndpoints(endpointRules([1]));
    const only = attempt();
    only.target = cluster.pick(only);
    cluster.observe(only, FAILED);
    expect(cluster.snapshot()[0]?.healthy).toBe(false);
  });
});
