import { expect, test } from '@jest/globals';
import { mergePolicies } from '../../src/rules/index.js';

test('policies merge field by field, limits one by one, later over earlier', () => {
  expect(
    mergePolicies(
      { timeoutMs: 1, limits: { maxRequests: 1, maxRetries: 1 } },
      {},
      { attemptTimeoutMs: 2, limits: { maxRetries: 2, maxConnections: 2 } },
      { timeoutMs: 3 },
    ),
  ).toEqual({ timeoutMs: 3, attemptTimeoutMs: 2, limits: { maxRequests: 1, maxRetries: 2, maxConnections: 2 } });
  expect(mergePolicies({ timeoutMs: 1 })).toEqual({ timeoutMs: 1 });
});
