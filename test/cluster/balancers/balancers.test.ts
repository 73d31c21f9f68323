import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Balancer } from '../../../src/cluster/balancer.js';
import { createBalancer } from '../../../src/cluster/balancers/index.js';
import type { Endpoint } from '../../../src/cluster/index.js';
import { ManualRuntime } from '../../../src/testing/index.js';
import { anyCandidates, attempt, endpoints, type FakePeer, shares } from '../support.js';
import { hash } from './xxhash.js';

/** What holds for every balancer. */

type Rule = Parameters<typeof createBalancer>[0];

const RULES: readonly Rule[] = [
  { kind: 'round-robin' },
  { kind: 'random' },
  { kind: 'least-request', choices: 2 },
  { kind: 'least-request', choices: 3 },
  { kind: 'ring-hash', minimumRingSize: 64, maximumRingSize: 1024 },
];

function make(rule: Rule, over: readonly Endpoint[], seed = 1): Balancer {
  return createBalancer(rule, over, new ManualRuntime(seed), hash);
}

const weights = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 12 });

describe.each(RULES)('$kind', (rule) => {
  test('picks only what is allowed, and something whenever anything is', () => {
    const bits = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(weights, bits, bits, bits, fc.integer(), (w, ejected, draining, tried, seed) => {
        const all = endpoints(w);
        const first = attempt();
        const retry = attempt(first);
        all.forEach((endpoint, i) => {
          if (ejected[i]) endpoint.ejectedUntil = 1e9;
          if (draining[i]) (endpoint.peer as FakePeer).draining = true;
          if (tried[i]) {
            first.unreachable ??= [];
            first.unreachable.push(endpoint);
          }
        });
        const candidates = anyCandidates(retry);
        const allowed = all.filter((_, i) => !ejected[i] && !draining[i] && !tried[i]);
        const balancer = make(rule, all, seed);
        for (let i = 0; i < 20; i++) {
          const endpoint = balancer.pick(retry, candidates);
          if (allowed.length === 0) expect(endpoint).toBeUndefined();
          else expect(allowed).toContain(endpoint);
        }
      }),
      { seed: 11, numRuns: 200 },
    );
  });

  test('without endpoints there is nothing to pick', () => {
    expect(make(rule, []).pick(attempt(), anyCandidates())).toBeUndefined();
  });
});

describe.each([{ kind: 'round-robin' }, { kind: 'random' }] as const)('$kind by weight', (rule) => {
  test('shares are as the weights, also when some endpoints are ejected', () => {
    const all = endpoints([1, 2, 3, 4, 10]);
    all[3]!.ejectedUntil = 1e9;
    const balancer = make(rule, all, 5);
    const candidates = anyCandidates();
    const picks = 64_000;
    const picked = shares(picks, () => balancer.pick(attempt(), candidates));
    for (const endpoint of all) {
      const share = endpoint === all[3] ? 0 : endpoint.weight / 16;
      // Five standard deviations of a random choice.
      const slack = 5 * Math.sqrt(picks * share * (1 - share));
      expect(Math.abs((picked.get(endpoint) ?? 0) - share * picks)).toBeLessThanOrEqual(slack);
    }
  });
});
