import { expect, test } from '@jest/globals';
import { type HostLoad, type Load, simulate } from '../../bench/sim/simulate.js';
import { hash } from './balancers/xxhash.js';
import { OUTLIER } from './support.js';

/** The simulator's figures as promises: whoever changes a balancer sees here what it does to load and latency. */

const HOST: HostLoad = { weight: 1, workers: 8, serviceMs: 10, slowness: 1 };
const ALIKE = Array.from({ length: 10 }, () => HOST);
const ONE_SLOW = [{ ...HOST, slowness: 10 }, ...ALIKE.slice(1)];

function run(load: Partial<Load>) {
  return simulate({
    balancer: { kind: 'round-robin' },
    hosts: ALIKE,
    utilisation: 0.5,
    calls: 20_000,
    timeoutMs: 250,
    seed: 1,
    hash,
    ...load,
  });
}

test('least request keeps a slow host from being overrun, where round robin does not', () => {
  const turns = run({ hosts: ONE_SLOW });
  const least = run({ hosts: ONE_SLOW, balancer: { kind: 'least-request', choices: 2 } });
  expect(turns.p99Ms).toBe(250);
  expect(turns.failed).toBeGreaterThan(0.09);
  expect(least.p99Ms).toBeLessThan(90);
  expect(least.failed).toBeLessThan(0.005);
  expect(least.shares[0]).toBeLessThan(0.025);
  expect(Math.max(...least.peaks)).toBeLessThan(20);
});

test('ejection does the same for round robin, at the price of the timeouts that lead to it', () => {
  const { shares, failed } = run({ hosts: ONE_SLOW, outlier: OUTLIER });
  expect(shares[0]).toBeLessThan(0.02);
  expect(failed).toBeLessThan(0.02);
});

test.each([
  ['round-robin', { kind: 'round-robin' }, 1.001],
  ['random', { kind: 'random' }, 1.08],
  ['least-request', { kind: 'least-request', choices: 2 }, 1.05],
  // 103 points a host: what consistency costs.
  ['ring-hash', { kind: 'ring-hash', minimumRingSize: 1024, maximumRingSize: 8192 }, 1.4],
] as const)('hosts alike are loaded alike by %s', (_name, balancer, most) => {
  const { shares, failed } = run({ balancer });
  expect(Math.max(...shares) * 10).toBeLessThan(most);
  expect(failed).toBe(0);
});
