import { expect, test } from '@jest/globals';
import { RESILIENCE, services } from '../../../../examples/demo/rules.js';
import { rulesOf } from './support.js';

test('each of several TrafficPolicies finds its targets', () => {
  const rules = rulesOf(`${services(1, 2)}---\n${RESILIENCE}`);
  expect(rules.problems).toEqual([]);
  expect(rules.services[0]!.policy.timeoutMs).toBe(3000);
  expect(rules.clusters.find((it) => it.subset === 'v1')!.policy.circuitBreaker).toMatchObject({ minimumCalls: 5 });
});
