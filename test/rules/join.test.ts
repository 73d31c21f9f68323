import { describe, expect, test } from '@jest/globals';
import { type RuleChange, RuleStore } from '../../src/rules/index.js';
import { route } from '../routing/rules.js';
import { applied, remove, service, table, upsert } from './rules.js';

const CODE = { name: 'code', precedence: 400 };
const FILE = { name: 'file', precedence: 300 };
const CONTROL_PLANE = { name: 'metards', precedence: 200 };

const described = service('a', { routesByDefault: true });
const written = service('a', { routes: [route('written', [])] });

function storeWith(...said: (readonly [source: typeof FILE, change: RuleChange])[]): RuleStore {
  const store = new RuleStore();
  for (const [source, change] of said) store.apply(source, [change]);
  return store;
}

const routesOf = (store: RuleStore) => store.services.get('a_80')?.routes.map(({ name }) => name);

describe('a route table without its service', () => {
  test('waits for who describes the service, whichever comes first', () => {
    const store = storeWith([CONTROL_PLANE, upsert.routes(table('a', 'pushed'))]);
    expect(store.services.size).toBe(0);
    const version = store.version;
    expect(version).toBe(new RuleStore().version);
    expect([...applied(store, FILE, [upsert.service(described)])!.services]).toEqual(['a_80']);
    expect(routesOf(store)).toEqual(['pushed']);
    const other = storeWith([FILE, upsert.service(described)]);
    expect([...applied(other, CONTROL_PLANE, [upsert.routes(table('a', 'pushed'))])!.services]).toEqual(['a_80']);
    expect(other.version).toBe(store.version);
  });

  test('taken away, leaves the default route; the service taken away, nothing', () => {
    const store = storeWith([FILE, upsert.service(described)], [CONTROL_PLANE, upsert.routes(table('a', 'pushed'))]);
    const { version } = storeWith([FILE, upsert.service(described)]);
    expect([...applied(store, CONTROL_PLANE, [remove.routes('a')])!.services]).toEqual(['a_80']);
    expect(store.services.get('a_80')).toBe(described);
    expect(store.version).toBe(version);
    store.apply(CONTROL_PLANE, [upsert.routes(table('a', 'pushed'))]);
    expect([...applied(store, FILE, [remove.service('a')])!.services]).toEqual(['a_80']);
    expect(store.services.size).toBe(0);
    expect(store.candidates('a', 80)).toEqual([]);
    store.forget('metards');
    store.apply(FILE, [upsert.service(described)]);
    expect(routesOf(store)).toEqual(['default']);
  });

  test('gives way to routes that a source of higher precedence wrote, and replaces those of a lower one', () => {
    const store = storeWith([FILE, upsert.service(written)], [CONTROL_PLANE, upsert.routes(table('a', 'pushed'))]);
    expect(routesOf(store)).toEqual(['written']);
    expect([...applied(store, CODE, [upsert.routes(table('a', 'coded'))])!.services]).toEqual(['a_80']);
    expect(routesOf(store)).toEqual(['coded']);
  });

  test('of equal content changes nothing', () => {
    const store = storeWith([FILE, upsert.service(described)], [CONTROL_PLANE, upsert.routes(table('a', 'pushed'))]);
    const { revision } = store;
    expect(applied(store, CONTROL_PLANE, [upsert.routes(table('a', 'pushed'))])).toBeUndefined();
    expect(store.revision).toBe(revision);
    expect(store.sources.map(({ rules }) => rules.routes)).toEqual([0, 1]);
  });

  test('takes policies from the describing source by route name, and keeps its own beneath them', () => {
    const pushed = {
      ...table('a', 'x'),
      routes: [route('x', [], { policy: { timeoutMs: 1, attemptTimeoutMs: 5 } }), route('y', [])],
    };
    const ruled = service('a', { routesByDefault: true, routePolicies: [['x', { timeoutMs: 7 }]] });
    const store = storeWith([FILE, upsert.service(ruled)], [CONTROL_PLANE, upsert.routes(pushed)]);
    expect(store.services.get('a_80')?.routes.map(({ policy }) => policy)).toEqual([
      { timeoutMs: 7, attemptTimeoutMs: 5 },
      {},
    ]);
  });
});
