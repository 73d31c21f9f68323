/**
 * What each balancer does to load and latency, in virtual time: `node dist/bench/sim/balancers.js [calls] [seed]`. The same
 * arguments print the same table.
 */
import { xxhash } from '../../adapters/engines/xxhash.js';
import type { BalancerRule, OutlierRule } from '../../src/rules/index.js';
import { type HostLoad, simulate } from './simulate.js';

const calls = Number(process.argv[2] ?? 200_000);
const seed = Number(process.argv[3] ?? 1);
const hash = await xxhash();

const BALANCERS: readonly (readonly [name: string, rule: BalancerRule])[] = [
  ['round robin', { kind: 'round-robin' }],
  ['random', { kind: 'random' }],
  ['least request', { kind: 'least-request', choices: 2 }],
  ['ring hash', { kind: 'ring-hash', minimumRingSize: 1024, maximumRingSize: 8192 }],
];
const EJECTION: OutlierRule = {
  consecutiveErrors: 5,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectionPercent: 10,
  minHealthPercent: 0,
};
const HOST: HostLoad = { weight: 1, workers: 8, serviceMs: 10, slowness: 1 };
const TEN = Array.from({ length: 10 }, () => HOST);
/** Twice the weight where there are twice the workers. */
const UNLIKE = TEN.map((host, i) => (i < 5 ? { ...host, weight: 2, workers: 16 } : host));

print('ten hosts alike, half of what they can do', TEN, undefined);
print('one of them takes ten times as long', withSlow(TEN), undefined);
print('the same, with ejection after 5 timeouts in a row', withSlow(TEN), EJECTION);
print('five hosts twice as large, weights 2 and 1', UNLIKE, undefined);
print('the same, and a large one takes ten times as long', withSlow(UNLIKE), undefined);

function withSlow(hosts: readonly HostLoad[]): HostLoad[] {
  return hosts.map((host, i) => (i === 0 ? { ...host, slowness: 10 } : host));
}

function print(title: string, hosts: readonly HostLoad[], outlier: OutlierRule | undefined): void {
  console.log(`\n${title}`);
  console.log(row(['', 'p50 ms', 'p99 ms', 'timeouts', 'first host gets', 'others, most/mean', 'most queued']));
  const total = hosts.reduce((sum, host) => sum + host.weight, 0);
  for (const [name, balancer] of BALANCERS) {
    const load = { balancer, hosts, utilisation: 0.5, calls, timeoutMs: 250, seed, hash };
    const result = simulate(outlier === undefined ? load : { ...load, outlier });
    const relative = result.shares.map((share, i) => (share * total) / hosts[i]!.weight);
    const others = relative.slice(1);
    const mean = others.reduce((sum, share) => sum + share, 0) / others.length;
    console.log(
      row([
        name,
        result.p50Ms.toFixed(1),
        result.p99Ms.toFixed(1),
        `${(result.failed * 100).toFixed(2)} %`,
        `${(relative[0]! * 100).toFixed(0)} % of its share`,
        (Math.max(...others) / mean).toFixed(2),
        String(Math.max(...result.peaks)),
      ]),
    );
  }
}

function row(cells: readonly string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(14) : cell.padStart(19))).join('');
}
