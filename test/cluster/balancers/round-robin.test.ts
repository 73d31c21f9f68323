import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RoundRobin, roundRobin } from '../../../src/cluster/balancers/round-robin.js';
import { ManualRuntime } from '../../../src/testing/index.js';
import { anyCandidates, attempt, endpoints, type FakePeer, shares } from '../support.js';

const FIRST = attempt();

test('equal weights: each once a round, in order', () => {
  const all = endpoints([7, 7, 7, 7]);
  const balancer = roundRobin(all, new ManualRuntime());
  expect(balancer).toBeInstanceOf(RoundRobin);
  const candidates = anyCandidates();
  const round = Array.from({ length: 4 }, () => balancer.pick(FIRST, candidates)!);
  const start = all.indexOf(round[0]!);
  expect(round).toEqual(all.map((_, i) => all[(start + i) % 4]));
  expect(balancer.pick(FIRST, candidates)).toBe(round[0]);
});

test('starts anywhere, so that a fleet does not start at the same endpoint', () => {
  const all = endpoints([1, 1, 1, 1]);
  let seed = 0;
  const starts = shares(400, () => roundRobin(all, new ManualRuntime(++seed)).pick(FIRST, anyCandidates()));
  for (const endpoint of all) expect(starts.get(endpoint)).toBeGreaterThan(50);
});

test("an ejected endpoint's turns are shared by all others", () => {
  const all = endpoints([1, 1, 1, 1, 1]);
  all[2]!.ejectedUntil = 1e9;
  const balancer = roundRobin(all, new ManualRuntime());
  const picked = shares(400, () => balancer.pick(FIRST, anyCandidates()));
  expect(all.map((endpoint) => picked.get(endpoint))).toEqual([100, 100, undefined, 100, 100]);
});

test('endpoints without a connection take their turn', () => {
  const all = endpoints([1, 1]);
  (all[0]!.peer as FakePeer).ready = false;
  const balancer = roundRobin(all, new ManualRuntime());
  expect(shares(10, () => balancer.pick(FIRST, anyCandidates())).get(all[0]!)).toBe(5);
});

test('by weight: in any run of picks each endpoint is within one of its share a round', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(weights, fc.integer(), fc.integer({ min: 0, max: 500 }), (w, seed, skip) => {
      const all = endpoints(w);
      const balancer = roundRobin(all, new ManualRuntime(seed));
      const candidates = anyCandidates();
      for (let i = 0; i < skip; i++) balancer.pick(FIRST, candidates);
      const total = w.reduce((sum, weight) => sum + weight, 0);
      const picked = shares(total, () => balancer.pick(FIRST, candidates));
      for (const endpoint of all) {
        expect(Math.abs((picked.get(endpoint) ?? 0) - endpoint.weight)).toBeLessThanOrEqual(1);
      }
    }),
    { seed: 3 },
  );
});

test('by weight: a heavy endpoint is not picked many times in a row', () => {
  const all = endpoints([3, 1]);
  const balancer = roundRobin(all, new ManualRuntime());
  const candidates = anyCandidates();
  let run = 0;
  for (let i = 0; i < 400; i++) {
    run = balancer.pick(FIRST, candidates) === all[0] ? run + 1 : 0;
    expect(run).toBeLessThanOrEqual(3);
  }
});

test('by weight: an ejected giant costs the others neither turns nor order', () => {
  const all = endpoints([100_000, 1, 2]);
  all[0]!.ejectedUntil = 1e9;
  const balancer = roundRobin(all, new ManualRuntime());
  const candidates = anyCandidates();
  const picked = shares(3000, () => balancer.pick(FIRST, candidates));
  expect(picked.get(all[1]!)).toBeGreaterThanOrEqual(999);
  expect(picked.get(all[1]!)).toBeLessThanOrEqual(1001);
});
