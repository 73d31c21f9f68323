import { expect, test } from '@jest/globals';
import { FAILURES, Failure, type FailureCode } from '../../../src/call/index.js';
import { fallbackStage } from '../../../src/policy/fallback/index.js';
import { FakePass, scope } from '../support.js';

const CLUSTER = 'outbound|20880|stale|demo';
const bind = (on: readonly string[], cluster = CLUSTER) =>
  fallbackStage.bind(scope({ policy: { fallback: { on, cluster } } }));

function answered(on: readonly string[]): string[] {
  const fallback = bind(on)!;
  const codes = Object.keys(FAILURES) as FailureCode[];
  return codes.filter((code) => fallback.recover(new FakePass(), new Failure(code)) === CLUSTER);
}

test('no rule, no stage', () => {
  expect(fallbackStage.bind(scope())).toBeUndefined();
});

test('answers what the rule names and nothing else', () => {
  expect(answered(['CIRCUIT_OPEN', 'RATE_LIMITED'])).toEqual(['CIRCUIT_OPEN', 'RATE_LIMITED']);
});

test('answers timeouts, open circuits, missing endpoints and overflow where the rule names nothing', () => {
  expect(answered([])).toEqual(['NO_ENDPOINT', 'DEADLINE', 'ATTEMPT_TIMEOUT', 'CIRCUIT_OPEN', 'OVERFLOW']);
});

test('never leads back to the cluster that failed', () => {
  expect(bind([], scope().cluster.name)).toBeUndefined();
  const failure = new Failure('CIRCUIT_OPEN');
  expect(bind([])!.recover(new FakePass(undefined, CLUSTER), failure)).toBeUndefined();
});

test.each([
  ['DENIED', /route 'r1': 'DENIED' is no failure code that a fallback may answer/],
  ['CANCELLED', /'CANCELLED' is no failure code/],
  ['TIMEOUT', /route 'r1': 'TIMEOUT' is no failure code/],
  ['constructor', /'constructor' is no failure code/],
])('refuses a rule that names %s', (code, problem) => {
  expect(() => bind([code])).toThrow(problem);
});
