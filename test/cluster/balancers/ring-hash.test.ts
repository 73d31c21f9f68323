import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RingHash } from '../../../src/cluster/balancers/ring-hash.js';
import { Endpoint } from '../../../src/cluster/index.js';
import { ManualRuntime } from '../../../src/testing/index.js';
import { anyCandidates, attempt, endpointRule, FakePeer, shares } from '../support.js';
import { hash } from './xxhash.js';

function ring(all: readonly Endpoint[], minimumRingSize: number, maximumRingSize = 8 * 1024 * 1024) {
  const balancer = new RingHash(all, new ManualRuntime(), hash, { minimumRingSize, maximumRingSize });
  const candidates = anyCandidates();
  const at = (point: bigint | undefined) => {
    const a = attempt();
    a.pass.hash = point;
    return balancer.pick(a, candidates);
  };
  return { balancer, at };
}

function hosts(ports: readonly number[], weight: (port: number) => number = () => 1): Endpoint[] {
  return ports.map((port) => {
    const rule = endpointRule(0, { address: '127.0.0.1', port, weight: weight(port) });
    return new Endpoint(`127.0.0.1:${port}`, rule, new FakePeer());
  });
}

const KEYS = Array.from({ length: 5000 }, (_, i) => hash.hash(`key-${i}`, 0n));

/** The ring as said in words, point by point: which endpoint a hash belongs to, and the next ones. */
function naive(all: readonly Endpoint[], minimum: number, maximum: number) {
  const total = all.reduce((sum, e) => sum + e.weight, 0);
  const least = Math.min(...all.map((e) => e.weight)) / total;
  const scale = Math.min(Math.ceil(least * minimum) / least, maximum);
  const points: { hash: bigint; owner: Endpoint }[] = [];
  let target = 0;
  for (const owner of all) {
    target += scale * (owner.weight / total);
    for (let i = 0; points.length < target; i++) points.push({ hash: hash.hash(`${owner.address}_${i}`, 0n), owner });
  }
  points.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0));
  return (key: bigint) => (points.find((point) => point.hash >= key) ?? points[0]!).owner;
}

describe("Envoy's ring of six hosts and twelve points", () => {
  // Positions that Envoy's own test of ring_hash_lb states for tcp://127.0.0.1:90 to :95.
  const POINTS: readonly (readonly [port: number, position: bigint])[] = [
    [94, 833437586790550860n],
    [92, 928266305478181108n],
    [90, 1033482794131418490n],
    [95, 3551244743356806947n],
    [93, 3851675632748031481n],
    [91, 5583722120771150861n],
    [91, 6311230543546372928n],
    [93, 7700377290971790572n],
    [95, 13144177310400110813n],
    [92, 13444792449719432967n],
    [94, 15516499411664133160n],
    [90, 16117243373044804889n],
  ];
  const all = hosts([90, 91, 92, 93, 94, 95]);
  const { balancer, at } = ring(all, 12);

  test('has twelve points', () => {
    expect(balancer.size).toBe(12);
  });

  test.each(POINTS)('port %i has the point %i', (port, position) => {
    expect(at(position)?.rule.port).toBe(port);
    const next = POINTS[(POINTS.findIndex(([, p]) => p === position) + 1) % 12]!;
    expect(at(position + 1n)?.rule.port).toBe(next[0]);
  });

  test('ends where it begins', () => {
    expect(at(0n)?.rule.port).toBe(94);
    expect(at(2n ** 64n - 1n)?.rule.port).toBe(94);
  });
});

test('is the ring as said in words, for any weights and sizes', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 });
  const size = fc.integer({ min: 1, max: 300 });
  fc.assert(
    fc.property(weights, size, size, fc.array(fc.bigInt(0n, 2n ** 64n - 1n)), (w, one, other, keys) => {
      const all = hosts(
        w.map((_, i) => i + 1),
        (port) => w[port - 1]!,
      );
      const [minimum, maximum] = [Math.min(one, other), Math.max(one, other)];
      const { at } = ring(all, minimum, maximum);
      const owner = naive(all, minimum, maximum);
      for (const key of keys) expect(at(key)).toBe(owner(key));
    }),
    { seed: 5 },
  );
});

test('shares are as the weights', () => {
  const all = hosts([1, 2, 3], (port) => port);
  const { at } = ring(all, 10_000);
  let i = 0;
  const picked = shares(KEYS.length, () => at(KEYS[i++]));
  for (const endpoint of all) {
    const expected = (KEYS.length * endpoint.weight) / 6;
    expect(Math.abs(picked.get(endpoint)! - expected)).toBeLessThan(expected * 0.15);
  }
});

test('an endpoint that is ejected moves its own keys and no other, and gets them back', () => {
  const all = hosts([1, 2, 3, 4, 5, 6, 7, 8]);
  const { at } = ring(all, 1024);
  const before = KEYS.map((key) => at(key));
  all[3]!.ejectedUntil = 1e9;
  const moved = new Set<Endpoint>();
  KEYS.forEach((key, i) => {
    const now = at(key)!;
    if (before[i] === all[3]) moved.add(now);
    else expect(now).toBe(before[i]);
  });
  expect(moved).not.toContain(all[3]);
  expect(moved.size).toBe(7);
  all[3]!.ejectedUntil = 0;
  expect(KEYS.map((key) => at(key))).toEqual(before);
});

test('one host less moves hardly more than its share', () => {
  const all = hosts([1, 2, 3, 4, 5, 6, 7, 8]);
  const before = ring(all, 1024);
  const after = ring(all.slice(1), 1024);
  const moved = KEYS.filter((key) => before.at(key) !== all[0] && before.at(key) !== after.at(key));
  // 128 points a host of eight, 147 of seven: the new points take some keys of others.
  expect(moved.length).toBeLessThan(KEYS.length * 0.16);
});

test('a retry walks on along the ring, to the same endpoint each time', () => {
  const all = hosts([1, 2, 3, 4]);
  const { balancer } = ring(all, 1024);
  const walk = () => {
    const visited: Endpoint[] = [];
    let a = attempt();
    a.pass.hash = KEYS[0];
    for (let i = 0; i < all.length; i++) {
      a.target = balancer.pick(a, anyCandidates(a))!;
      visited.push(a.target as Endpoint);
      a = attempt(a);
    }
    return visited;
  };
  const visited = walk();
  expect(new Set(visited).size).toBe(4);
  expect(walk()).toEqual(visited);
});

test('without a hash it is a choice by weight', () => {
  const all = hosts([1, 2], (port) => (port === 1 ? 1 : 3));
  const { at } = ring(all, 4096);
  const picked = shares(4000, () => at(undefined));
  expect(Math.abs(picked.get(all[1]!)! - 3000)).toBeLessThan(300);
});
