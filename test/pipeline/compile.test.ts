import { describe, expect, jest, test } from '@jest/globals';
import { Failure } from '../../src/call/index.js';
import type { Cluster } from '../../src/cluster/index.js';
import { type CompileContext, compilePlan, RoutePlan } from '../../src/pipeline/index.js';
import { KeyedStateStore } from '../../src/policy/index.js';
import { CompiledRoute } from '../../src/routing/index.js';
import type { PolicyRule, ServiceRule } from '../../src/rules/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { clusterRule, from, routeRule } from './support.js';

const service: ServiceRule = {
  key: 'demo_1',
  host: 'demo',
  port: 1,
  portName: 'tcp-metaprotocol-test',
  protocol: 'test',
  addresses: [],
  serviceKey: undefined,
  routes: [routeRule],
  inboundRateLimit: undefined,
  workload: undefined,
  policy: {},
  resolution: 'STATIC',
  createdAt: 0,
  from,
};

function setUp(policy: PolicyRule, ofCluster: (name: string) => PolicyRule = () => ({})) {
  const rule = (name: string) => ({ ...clusterRule, name, policy: ofCluster(name) });
  const holding = jest.fn((name: string) => ({ name, rule: rule(name) }) as Cluster);
  const context = {
    direction: 'outbound',
    sharing: 'multiplexed',
    service,
    runtime: new ManualRuntime(),
    engines: {},
    policies: [],
    state: new KeyedStateStore().hold(),
    routed: null,
    cluster: holding,
    onBreaker() {},
    meters: { route: () => undefined, attempts: () => null },
    observe: false,
  } as unknown as CompileContext;
  const route = new CompiledRoute(0, { ...routeRule, policy }, {});
  return { plan: compilePlan(context, route, clusterRule.name), holding };
}

describe('a plan', () => {
  test('has the stages that its policies ask for and no others', () => {
    const { plan } = setUp({ retry: { ...RETRY, attempts: 1 } });
    expect(plan).toMatchObject({ pacing: null, breaker: null, mirror: null, fallback: null });
    expect((plan as RoutePlan).retry).not.toBeNull();
  });

  test('that cannot be made is a Failure which names the policy, not a throw on the way of a call', () => {
    const { plan } = setUp({ pacing: { ratePerSecond: 1, maxQueued: 1 } });
    expect(plan).toBeInstanceOf(Failure);
    expect((plan as Failure).message).toBe(
      "INTERNAL: policies of route 'r1' to outbound|1||demo: demo_1 has a pacing policy, which needs an engine: pass engines.pacing",
    );
  });

  test('to a fallback cluster is made once, however many calls fall back', () => {
    const { plan, holding } = setUp({ fallback: { on: [], cluster: 'outbound|1|stale|demo' } });
    const { fallbackPlan } = plan as RoutePlan;
    const first = fallbackPlan('outbound|1|stale|demo');
    expect(first).toBeInstanceOf(RoutePlan);
    expect(fallbackPlan('outbound|1|stale|demo')).toBe(first);
    expect(holding).toHaveBeenCalledTimes(2);
  });

  test('falls back to no cluster that it has come from, though each names the other', () => {
    const stale = 'outbound|1|stale|demo';
    const { plan } = setUp({}, (name) => ({
      fallback: { on: [], cluster: name === stale ? clusterRule.name : stale },
    }));
    const second = (plan as RoutePlan).fallbackPlan(stale) as RoutePlan;
    expect(second).toBeInstanceOf(RoutePlan);
    expect(second.fallbackPlan(clusterRule.name)).toBeInstanceOf(Failure);
  });
});

const RETRY = {
  backoffBaseMs: 1,
  backoffMaxMs: 1,
  idempotent: true,
  budget: { percent: 20, minPerSecond: 10, ttlMs: 10_000 },
} as const;
