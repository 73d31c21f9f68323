import { describe, expect, test } from '@jest/globals';
import { leastRequest } from '../../../src/cluster/balancers/least-request.js';
import { ManualRuntime } from '../../../src/testing/index.js';
import { anyCandidates, attempt, endpoints, type FakePeer, shares } from '../support.js';

const FIRST = attempt();

function setup(weights: readonly number[], choices = 2) {
  const all = endpoints(weights);
  const balancer = leastRequest(all, new ManualRuntime(9), choices);
  const candidates = anyCandidates();
  return { all, pick: () => balancer.pick(FIRST, candidates) };
}

describe('equal weights', () => {
  test('of two endpoints always the less loaded', () => {
    const { all, pick } = setup([1, 1]);
    all[0]!.inflight = 3;
    all[1]!.inflight = 2;
    expect(shares(200, pick).get(all[1]!)).toBe(200);
  });

  test('the most loaded is never chosen, the least loaded in two of n picks', () => {
    const { all, pick } = setup(Array(10).fill(1));
    all.forEach((endpoint, i) => {
      endpoint.inflight = i;
    });
    const picked = shares(10_000, pick);
    expect(picked.get(all[9]!)).toBeUndefined();
    // 2 of 10: a standard deviation of 40.
    expect(Math.abs(picked.get(all[0]!)! - 2000)).toBeLessThan(200);
  });

  test('idle endpoints are chosen evenly', () => {
    const { all, pick } = setup([1, 1, 1, 1]);
    const picked = shares(8000, pick);
    for (const endpoint of all) expect(Math.abs(picked.get(endpoint)! - 2000)).toBeLessThan(200);
  });

  test('loads even out: attempts that never end are spread within one or two', () => {
    const { all, pick } = setup(Array(20).fill(1));
    for (let i = 0; i < 2000; i++) pick()!.inflight++;
    const loads = all.map((endpoint) => endpoint.inflight);
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(4);
  });

  test('among equals an endpoint that is not connected yet gets its share; load counts for more', () => {
    const { all, pick } = setup([1, 1]);
    (all[0]!.peer as FakePeer).ready = false;
    expect(shares(400, pick).get(all[0]!)).toBeGreaterThan(140);
    all[0]!.inflight = 1;
    expect(shares(50, pick).get(all[1]!)).toBe(50);
  });

  test('if hardly any may be picked, the least loaded of them is found', () => {
    const { all, pick } = setup(Array(500).fill(1));
    for (const endpoint of all) endpoint.ejectedUntil = 1e9;
    for (const i of [100, 200, 300]) {
      all[i]!.ejectedUntil = 0;
      all[i]!.inflight = i;
    }
    expect(shares(100, pick).get(all[100]!)).toBeGreaterThan(80);
  });
});

describe('by weight', () => {
  test('idle: shares as the weights', () => {
    const { all, pick } = setup([1, 3]);
    const picked = shares(400, pick);
    expect(Math.abs(picked.get(all[1]!)! - 300)).toBeLessThanOrEqual(1);
  });

  test('a loaded endpoint is picked less: its weight is divided by its attempts in flight and one', () => {
    const { all, pick } = setup([1, 3]);
    all[1]!.inflight = 5;
    const picked = shares(300, pick);
    expect(Math.abs(picked.get(all[0]!)! - 200)).toBeLessThanOrEqual(1);
  });
});
