import { describe, expect, test } from '@jest/globals';
import { Failure } from '../../src/call/index.js';
import { roundRobin } from '../../src/cluster/balancers/round-robin.js';
import { localityRank, overLevels } from '../../src/cluster/priorities.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { anyCandidates, attempt, endpointRule, endpoints, OUTLIER, shares, testCluster } from './support.js';

test.each([
  ['r/z/s', 'r/z/s', 0],
  ['r/z', 'r/z', 0],
  ['r/z/s', 'r/z', 1],
  ['r/z/s', 'r/z/t', 1],
  ['r/z/s', 'r/y/s', 2],
  ['r', 'r/z', 2],
  ['r/z/s', 'q/z/s', 3],
  ['r/z/s', '', 3],
])('from %s to %j are %i steps', (own, its, steps) => {
  expect(localityRank(own, its)).toBe(steps);
});

/** Two levels of 100 endpoints, of which so many are healthy. */
function levels(...healthy: number[]) {
  const all = healthy.flatMap((count, priority) => {
    const level = endpoints(Array.from({ length: 100 }, () => 1));
    for (const [index, endpoint] of level.entries()) {
      endpoint.priority = priority * 4;
      if (index >= count) endpoint.ejectedUntil = 1e9;
    }
    return level;
  });
  const runtime = new ManualRuntime();
  const ejected = all.filter((it) => it.ejectedUntil !== 0).length;
  const balancer = overLevels(
    all,
    (level) => roundRobin(level, runtime),
    runtime,
    () => ({ ejected, revision: 1 }),
  );
  return { all, balancer };
}

describe('load over levels', () => {
  // The table of Envoy's documentation on priority levels, and what its text says of three.
  test.each([
    [
      [100, 100],
      [100, 0],
    ],
    [
      [72, 100],
      [100, 0],
    ],
    [
      [71, 100],
      [99, 1],
    ],
    [
      [50, 100],
      [70, 30],
    ],
    [
      [25, 100],
      [35, 65],
    ],
    [
      [0, 100],
      [0, 100],
    ],
    [
      [25, 25],
      [50, 50],
    ],
    [
      [20, 20, 10],
      [40, 40, 20],
    ],
    [
      [0, 0, 50],
      [0, 0, 100],
    ],
  ])('%j of each 100 healthy: %j percent of the calls', (healthy, percent) => {
    const { balancer } = levels(...healthy);
    const picked = shares(10_000, () => balancer.pick(attempt(), anyCandidates()));
    for (const [priority, wanted] of percent.entries()) {
      let got = 0;
      for (const [endpoint, count] of picked) if (endpoint.priority === priority * 4) got += count / 100;
      if (wanted === 0) expect(got).toBe(0);
      else expect(Math.abs(got - wanted)).toBeLessThan(2);
    }
  });

  test('a hash falls on the same level again', () => {
    const { balancer } = levels(50, 100);
    const one = attempt();
    one.pass.hash = 71n;
    for (let i = 0; i < 10; i++) expect(balancer.pick(one, anyCandidates(one))?.priority).toBe(4);
    one.pass.hash = 69n;
    for (let i = 0; i < 10; i++) expect(balancer.pick(one, anyCandidates(one))?.priority).toBe(0);
  });

  test('nobody healthy: nobody is picked, unless the cluster panics', () => {
    const { balancer } = levels(0, 0);
    expect(balancer.pick(attempt(), anyCandidates())).toBeUndefined();
    const panic = anyCandidates();
    panic.panic = true;
    expect(balancer.pick(attempt(), panic)?.priority).toBe(0);
  });

  test('one level needs none of this', () => {
    const all = endpoints([1, 1]);
    const made = roundRobin(all, new ManualRuntime());
    expect(
      overLevels(
        all,
        () => made,
        new ManualRuntime(),
        () => undefined,
      ),
    ).toBe(made);
  });
});

describe('a cluster', () => {
  const near = endpointRule(0, { locality: 'r/z/s' });
  const zone = endpointRule(1, { locality: 'r/z/t' });
  const far = endpointRule(2, { locality: 'q/z/s' });
  const outlier = { ...OUTLIER, maxEjectionPercent: 100 };
  const failed = new Failure('CONNECT_FAILED', {});

  function picks(cluster: ReturnType<typeof testCluster>['cluster'], count = 30): Set<string> {
    return new Set(
      Array.from({ length: count }, () => {
        const endpoint = cluster.pick(attempt())!;
        endpoint.release();
        return endpoint.rule.locality;
      }),
    );
  }

  test('that ejects prefers what is near, and goes farther as it is ejected', () => {
    const { cluster, runtime } = testCluster({ outlier }, { locality: 'r/z/s' });
    cluster.setEndpoints([far, zone, near]);
    expect(picks(cluster)).toEqual(new Set(['r/z/s']));
    expect(cluster.snapshot().map(({ priority }) => priority)).toEqual([3, 1, 0]);
    const eject = () => {
      for (let i = 0; i < outlier.consecutiveErrors; i++) {
        const one = attempt();
        one.target = cluster.pick(one);
        cluster.observe(one, failed);
        one.target!.release();
      }
    };
    eject();
    expect(picks(cluster)).toEqual(new Set(['r/z/t']));
    eject();
    expect(picks(cluster)).toEqual(new Set(['q/z/s']));
    runtime.advance(60_000);
    expect(picks(cluster)).toEqual(new Set(['r/z/s']));
  });

  test('a retry goes on where the preferred level has nobody left', () => {
    const { cluster } = testCluster({ outlier }, { locality: 'r/z/s' });
    cluster.setEndpoints([near, far]);
    const first = attempt();
    first.target = cluster.pick(first);
    expect(cluster.pick(attempt(first))?.rule.locality).toBe('q/z/s');
  });

  test.each([
    ['does not eject', { outlier: undefined }, 'r/z/s'],
    ['is told not to', { outlier, localityFailover: false as const }, 'r/z/s'],
    ['does not know where it is', { outlier }, undefined],
  ])('that %s takes all alike', (_, rule, locality) => {
    const { cluster } = testCluster(rule, { locality });
    cluster.setEndpoints([far, zone, near]);
    expect(picks(cluster).size).toBe(3);
  });

  test('keeps to the priorities that rules give, near or not', () => {
    const { cluster } = testCluster({ outlier }, { locality: 'r/z/s' });
    cluster.setEndpoints([{ ...near, priority: 1 }, far]);
    expect(picks(cluster)).toEqual(new Set(['q/z/s']));
  });

  test('learns of another priority of an endpoint that stays', () => {
    const { cluster } = testCluster({}, {});
    cluster.setEndpoints([near, { ...far, priority: 1 }]);
    expect(picks(cluster)).toEqual(new Set(['r/z/s']));
    cluster.setEndpoints([near, far]);
    expect(picks(cluster).size).toBe(2);
  });
});
