import { describe, expect, test } from '@jest/globals';
import type { Failure } from '../../../src/call/index.js';
import { type Gate, KeyedStateStore } from '../../../src/policy/index.js';
import { rateLimitStage } from '../../../src/policy/rate-limit/index.js';
import type { AttributeMatch, RateLimitRule, TokenBucketRule } from '../../../src/rules/index.js';
import { ManualRuntime } from '../../../src/testing/index.js';
import { call, FakePass, message, type ScopeOptions, scope } from '../support.js';

const tokens = (maxTokens: number): TokenBucketRule => ({ maxTokens, tokensPerFill: 1, fillIntervalMs: 1000 });
const when = (key: string, value: string): AttributeMatch[] => [{ key, kind: 'exact', value }];

function bind(options: ScopeOptions): Gate<FakePass> {
  return rateLimitStage.bind(scope(options))! as Gate<FakePass>;
}

function inbound(rule: RateLimitRule, options: ScopeOptions = {}): Gate<FakePass> {
  return bind({ direction: 'inbound', service: { inboundRateLimit: rule }, ...options });
}

/** How many of ten such calls pass. */
function passing(gate: Gate<FakePass>, attributes: Record<string, string> = {}): number {
  let count = 0;
  for (let i = 0; i < 10; i++) if (gate.before(new FakePass(call(message(attributes)))) === undefined) count++;
  return count;
}

describe('which bucket', () => {
  test('the default one, where there is no other', () => {
    expect(passing(inbound({ bucket: tokens(3), conditions: [] }))).toBe(3);
  });

  test('the first condition that matches decides alone', () => {
    const gate = inbound({
      bucket: tokens(5),
      conditions: [
        { match: when('method', 'a'), bucket: tokens(1) },
        { match: when('method', 'a'), bucket: tokens(9) },
        { match: when('method', 'b'), bucket: tokens(4) },
      ],
    });
    expect(passing(gate, { method: 'a' })).toBe(1);
    expect(passing(gate, { method: 'b' })).toBe(4);
    expect(passing(gate, { method: 'c' })).toBe(5);
  });

  test('no condition and no default bucket: the call passes', () => {
    const gate = inbound({ bucket: undefined, conditions: [{ match: when('method', 'a'), bucket: tokens(1) }] });
    expect(passing(gate, { method: 'z' })).toBe(10);
    expect(passing(gate, { method: 'a' })).toBe(1);
  });

  test('a condition that names nothing matches everything', () => {
    expect(passing(inbound({ bucket: tokens(9), conditions: [{ match: [], bucket: tokens(2) }] }))).toBe(2);
  });
});

describe('whose limit', () => {
  const rule: RateLimitRule = { bucket: tokens(3), conditions: [] };

  test("MetaRouter's holds where the service is served only", () => {
    expect(rateLimitStage.bind(scope({ service: { inboundRateLimit: rule } }))).toBeUndefined();
    expect(rateLimitStage.bind(scope({ direction: 'inbound', policy: { rateLimit: rule } }))).toBeUndefined();
  });

  test('no buckets, no stage', () => {
    expect(
      rateLimitStage.bind(scope({ policy: { rateLimit: { bucket: undefined, conditions: [] } } })),
    ).toBeUndefined();
  });

  test("a service's is shared by its routes, a route's is its own", () => {
    const state = new KeyedStateStore().hold();
    const ofService = (name: string) => bind({ state, service: { policy: { rateLimit: rule } }, route: { name } });
    expect(passing(ofService('r1'))).toBe(3);
    expect(passing(ofService('r2'))).toBe(0);
    const ofRoute = (name: string) => bind({ state, policy: { rateLimit: { ...rule } }, route: { name } });
    expect(passing(ofRoute('r1'))).toBe(3);
    expect(passing(ofRoute('r2'))).toBe(3);
  });

  test("a cluster's is shared by the routes of all services that lead there", () => {
    const state = new KeyedStateStore().hold();
    const from = (key: string) => bind({ state, service: { key }, cluster: { policy: { rateLimit: rule } } });
    expect(passing(from('a_1'))).toBe(3);
    expect(passing(from('b_1'))).toBe(0);
  });
});

describe('a push of rules', () => {
  const state = new KeyedStateStore();
  const runtime = new ManualRuntime();
  const push = (rule: RateLimitRule) => inbound(rule, { state: state.hold(), runtime });

  test('refills no bucket whose own numbers it leaves alone', () => {
    const a = { match: when('method', 'a'), bucket: tokens(2) };
    expect(passing(push({ bucket: tokens(3), conditions: [a] }), { method: 'a' })).toBe(2);
    const b = { match: when('method', 'b'), bucket: tokens(7) };
    const second = push({ bucket: tokens(4), conditions: [b, a] });
    expect(passing(second, { method: 'a' })).toBe(0);
    expect(passing(second, { method: 'b' })).toBe(7);
    expect(passing(second)).toBe(4);
  });

  test('takes a range for what it is', () => {
    const range = { key: 'n', kind: 'range', start: 1n, end: 2n } as const;
    const to = (end: bigint) => ({
      bucket: undefined,
      conditions: [{ match: [{ ...range, end }], bucket: tokens(1) }],
    });
    push(to(2n));
    const before = state.size;
    push(to(2n));
    expect(state.size).toBe(before);
    push(to(3n));
    expect(state.size).toBe(before + 1);
  });
});

test('tokens come back with time', () => {
  const runtime = new ManualRuntime();
  const gate = inbound({ bucket: tokens(2), conditions: [] }, { runtime });
  expect(passing(gate)).toBe(2);
  runtime.advance(999);
  expect(passing(gate)).toBe(0);
  runtime.advance(1);
  expect(passing(gate)).toBe(1);
});

test('the refusal names the request as the peer knows it', () => {
  const gate = inbound({ bucket: tokens(0), conditions: [] });
  const verdict = gate.before(new FakePass()) as Failure;
  expect(verdict).toMatchObject({ code: 'RATE_LIMITED', sent: 'no', role: 'rate-limit' });
  expect(verdict.message).toBe("RATE_LIMITED: request '42' has been rate limited");
});
