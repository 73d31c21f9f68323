import { expect, test } from '@jest/globals';
import { Failure } from '../../src/call/index.js';
import { Target } from '../../src/mesh/target.js';
import type { Protocol } from '../../src/message/index.js';
import type { RuleStore, ServiceRule } from '../../src/rules/index.js';
import { service } from '../rules/rules.js';
import { frames, message } from './support.js';

/** A target over rules that the test sets; its plans are the rules themselves. */
function start(...rules: ServiceRule[]) {
  const protocols = new Map<string, Protocol>();
  const store = { revision: 1, rules, candidates: () => store.rules };
  const warnings: string[] = [];
  const services = { outbound: (rule: ServiceRule) => rule };
  const target = new Target(
    { host: '10.0.0.1', port: 20880 },
    store as unknown as RuleStore,
    services as never,
    protocols,
    (message) => warnings.push(message),
  );
  return { target, store, warnings, protocols };
}

const a = service('a', { serviceKey: 'I.A' });
const b = service('b', { serviceKey: 'I.B', createdAt: 1 });

test('of the services that share an address, the one that the message names', () => {
  const { target, warnings } = start(a, b);
  const keys = ['i.b', 'I.B'];
  for (let i = 0; i < 2; i++) {
    expect(target.planFor(keys)).toBe(b);
    expect(target.planFor(['i.a', 'I.A'])).toBe(a);
  }
  expect(warnings).toEqual([]);
});

test('what was chosen is forgotten when the rules change', () => {
  const { target, store } = start(a, b);
  const keys = ['i.b', 'I.B'];
  expect(target.planFor(keys)).toBe(b);
  const newer = service('b', { serviceKey: 'I.B', createdAt: 2 });
  store.rules = [a, newer];
  store.revision = 2;
  expect(target.planFor(keys)).toBe(newer);
  store.rules = [];
  store.revision = 3;
  expect(target.planFor(keys)).toBeInstanceOf(Failure);
});

test('a tie is taken by the oldest and told once', () => {
  const twin = service('twin', { serviceKey: 'I.A', createdAt: 9 });
  const { target, warnings } = start(a, twin);
  for (const keys of [['I.A'], ['I.A']]) expect(target.planFor(keys)).toBe(a);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('the oldest, a, is taken');
});

test('a protocol that throws over the keys of a message fails its call, and says so', () => {
  const { target, protocols } = start(a, b);
  const serviceKeys = () => {
    throw new Error('broken');
  };
  protocols.set(a.protocol!, { ...frames, serviceKeys });
  const refused = target.plan(message('request', 'x'));
  expect(refused).toMatchObject({ code: 'INTERNAL', cause: { message: 'broken' } });
});
