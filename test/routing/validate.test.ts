import { describe, expect, test } from '@jest/globals';
import { re2 } from '../../adapters/engines/re2.js';
import { validateRule, validateRules } from '../../src/routing/index.js';
import type { Rule } from '../../src/rules/index.js';
import { cluster, endpoint, endpoints, service } from '../rules/rules.js';
import { FROM, route } from './rules.js';

const ALL = { regex: re2, hash: { hash: () => 0n }, breaker: {}, pacing: {} };
const bucket = { maxTokens: 1, tokensPerFill: 1, fillIntervalMs: 1000 };

function problems(rule: Rule, engines = ALL as object): string[] {
  return validateRule(rule, engines).map(({ problem }) => problem);
}

describe('validation', () => {
  test('finds nothing wrong with good rules', () => {
    expect(validateRules([service('a'), cluster('a'), endpoints('a', endpoint('1'), endpoint('2'))], {})).toEqual([]);
  });

  test('tells every problem of a service at once, each with its place', () => {
    const routes = [
      route(
        'r1',
        [
          { key: 'a', kind: 'regex', value: '(' },
          { key: 'b', kind: 'regex', value: '*' },
        ],
        { from: { ...FROM, origin: 'r.yaml:9' } },
      ),
      route('', [], {
        destinations: [{ cluster: 'c', weight: -1 }],
        mirrors: [{ cluster: 'm', perMillion: 2_000_000 }],
      }),
    ];
    const found = validateRule(
      service('a', {
        port: 0,
        routes,
        policy: { timeoutMs: Number.NaN },
        inboundRateLimit: {
          bucket: { ...bucket, maxTokens: 0 },
          conditions: [{ match: routes[0]!.match.slice(0, 1), bucket }],
        },
      }),
      ALL,
    );
    expect(found.map(({ message }) => message)).toEqual([
      'test.yaml:1: service a_0: port is 0; it must be from 1 to 65535',
      'test.yaml:1: service a_0: timeoutMs is NaN; it must be at least 0',
      'test.yaml:1: service a_0: maxTokens is 0; it must be at least 1',
      expect.stringMatching(/^test.yaml:1: attribute a: "\(" cannot be used as an RE2 pattern/),
      expect.stringMatching(/^r.yaml:9: attribute a: "\(" cannot be used/),
      expect.stringMatching(/^r.yaml:9: attribute b: "\*" cannot be used/),
      'test.yaml:1: route 2: the weight of c is -1; it must be from 0 to 4294967295',
      'test.yaml:1: route 2: perMillion of the mirror m is 2000000; it must be from 0 to 1000000',
    ]);
  });

  test('names each engine that a rule needs and that is not there', () => {
    const breaker = { errorPercent: 50, minimumCalls: 1, windowMs: 1000, openMs: 1000 };
    const policy = { circuitBreaker: breaker, pacing: { ratePerSecond: 1, maxQueued: 1 } };
    const balancer = { kind: 'ring-hash', minimumRingSize: 1024, maximumRingSize: 2048 } as const;
    expect(problems(cluster('a', '', { policy, balancer }), {})).toEqual([
      expect.stringContaining(`asks for a circuit breaker, but the engine 'breaker' isn't there`),
      expect.stringContaining(`asks for pacing, but the engine 'pacing' isn't there`),
      expect.stringContaining(`balances by ring hash, but the engine 'hash' isn't there`),
    ]);
    expect(problems(cluster('a', '', { policy, balancer }))).toEqual([]);
  });

  test('finds policies that no stage could keep', () => {
    const circuitBreaker = { errorPercent: 50, minimumCalls: 0, windowMs: 1000, openMs: 1000 };
    const pacing = { ratePerSecond: 101, maxQueued: 0 };
    const fallback = { on: ['OVERFLOW', 'DENIED', 'constructor'], cluster: 'b' };
    expect(problems(cluster('a', '', { policy: { circuitBreaker, pacing, fallback } }))).toEqual([
      expect.stringContaining('circuitBreaker.minimumCalls is 0; it must be at least 1'),
      expect.stringContaining('pacing.ratePerSecond is 101; it must be from 0.001 to 100'),
      expect.stringContaining('pacing.maxQueued is 0; it must be at least 1'),
      expect.stringContaining(`fallback.on names 'DENIED', which is no failure code that a fallback may answer`),
      expect.stringContaining(`fallback.on names 'constructor'`),
    ]);
  });

  test('finds figures out of range in clusters and endpoints', () => {
    const balancer = { kind: 'ring-hash', minimumRingSize: 4096, maximumRingSize: 2048 } as const;
    expect(problems(cluster('a', '', { balancer, connectTimeoutMs: 0 }))).toHaveLength(2);
    expect(
      problems(endpoints('a', endpoint('1', { weight: 0 }), endpoint('1', { port: 70_000 }), endpoint('1'))),
    ).toEqual([
      'endpoint 1:20880 of a_80: weight is 0; it must be at least 1',
      'endpoint 1:70000 of a_80: port is 70000; it must be from 1 to 65535',
      'endpoint 1:20880 of a_80 is there twice; its weight says how much it takes',
    ]);
    expect(problems(service('a', { routes: [] }))).toEqual([
      'service a_80 has no route; give it at least a default one',
    ]);
  });

  test('tells of destinations that speak another protocol, since nothing translates', () => {
    const lead = (to: string) => route('r', [], { destinations: [{ cluster: `outbound|80||${to}`, weight: 1 }] });
    const other = service('other', { protocol: 'thrift' });
    const raw = service('raw', { protocol: undefined });
    const known = [service('same'), other, raw, cluster('same'), cluster('other'), cluster('raw')];
    const of = (...routes: ReturnType<typeof route>[]) =>
      validateRules([...known, service('a', { routes })], ALL).map(({ problem }) => problem);
    expect(of(lead('same'), lead('raw'), lead('nobody'))).toEqual([]);
    expect(of(lead('other'))).toEqual([
      'service a_80 speaks dubbo and leads to outbound|80||other, which speaks thrift: nothing translates between them',
    ]);
    expect(validateRule(service('a', { routes: [lead('other')] }), ALL)).toEqual([]);
  });
});
