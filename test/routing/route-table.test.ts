import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { re2 } from '../../adapters/engines/re2.js';
import { formatMiss, RouteTable } from '../../src/routing/index.js';
import { indexRoutes, NO_ROUTE } from '../../src/routing/route-index.js';
import { type AttributeMatch, RuleError } from '../../src/rules/index.js';
import { finish } from '../../src/runtime/index.js';
import { attributes, route } from './rules.js';

const exact = (key: string, value: string): AttributeMatch => ({ key, kind: 'exact', value });

/** Attributes that count how often they are asked for. */
function counted(values: Record<string, string>) {
  const inner = attributes(values);
  let asked = 0;
  const getLower = (key: string) => {
    asked++;
    return inner.getLower(key);
  };
  return { source: { getLower }, asked: () => asked };
}

describe('a route table', () => {
  test('takes the first route that matches', () => {
    const table = new RouteTable([
      route('v2', [exact('Method', 'sayHello')]),
      route('v2 again', [exact('method', 'sayHello')]),
      route('rest', []),
      route('never', []),
    ]);
    expect(table.match(attributes({ METHOD: 'sayHello' }))?.name).toBe('v2');
    expect(table.match(attributes({ method: 'other' }))?.name).toBe('rest');
    expect(table.match(attributes({}))?.index).toBe(2);
  });

  test('has no default of its own', () => {
    expect(new RouteTable([]).match(attributes({}))).toBeUndefined();
    expect(new RouteTable([route('v1', [exact('a', 'b')])]).match(attributes({}))).toBeUndefined();
  });

  test('does not see the members of Object as attributes or values', () => {
    const rules = Array.from({ length: 20 }, (_, i) => route(`r${i}`, [exact('method', `m${i}`)]));
    const table = new RouteTable(rules);
    for (const method of ['__proto__', 'constructor', 'toString']) {
      expect(table.match(attributes({ method }))).toBeUndefined();
    }
  });

  test('cannot be made of a route that cannot be compiled', () => {
    const bad = route('bad', [{ key: 'a', kind: 'regex', value: '(' }]);
    expect(() => new RouteTable([route('good', []), bad], { regex: re2 })).toThrow(RuleError);
  });

  test('decides as trying one route after the other does', () => {
    const key = fc.constantFrom('a', 'B', 'c');
    const value = fc.constantFrom('', '1', '2', '3', '4');
    const flag = fc.option(fc.constant(true as const), { nil: undefined });
    const match = fc
      .oneof(
        { weight: 6, arbitrary: fc.record({ key, kind: fc.constant('exact'), value, invert: fc.constant(undefined) }) },
        {
          weight: 1,
          arbitrary: fc.record({
            key,
            kind: fc.constantFrom('exact', 'prefix', 'regex', 'present', 'absent'),
            value,
            invert: flag,
            missingAsEmpty: flag,
          }),
        },
      )
      .map((condition) => condition as AttributeMatch);
    const table = fc.array(fc.array(match, { maxLength: 4 }), { maxLength: 60 });
    const call = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { noNullPrototype: true });
    fc.assert(
      fc.property(table, fc.array(call, { minLength: 1, maxLength: 5 }), (matches, calls) => {
        const routes = new RouteTable(matches.map((conditions, i) => route(`r${i}`, conditions)));
        for (const values of calls) {
          const source = attributes(values);
          const naive = routes.routes.find(({ matchers }) => matchers.every((m) => m.holds(source.getLower(m.key))));
          expect(routes.match(source)?.index).toBe(naive?.index);
          expect(routes.explain(source).route?.index).toBe(naive?.index);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('asks few attributes of a call among 10,000 routes, whichever the exact one is', () => {
    const rules = Array.from({ length: 10_000 }, (_, i) =>
      route(`r${i}`, [exact('version', '1'), exact('interface', `i${i % 100}`), exact('method', `m${i}`)]),
    );
    rules.push(route('rest', []));
    const table = new RouteTable(rules);
    const { source, asked } = counted({ version: '1', interface: 'i99', method: 'm9999' });
    expect(table.match(source)?.name).toBe('r9999');
    expect(asked()).toBeLessThanOrEqual(4);
    expect(table.match(attributes({ version: '1', interface: 'i98', method: 'm9999' }))?.name).toBe('rest');
  });

  test('splits again what one attribute leaves together, on both sides', () => {
    const rules = [];
    for (let i = 0; i < 2000; i++) {
      rules.push(route(`im${i}`, [exact('interface', `i${i % 40}`), exact('method', `m${i >> 3}`)]));
      rules.push(route(`u${i}`, [exact('user', `u${i}`)]));
    }
    const table = new RouteTable(rules);
    const { source, asked } = counted({ interface: 'i39', method: 'm249', user: 'u1998' });
    expect(table.match(source)?.name).toBe('u1998');
    expect(asked()).toBeLessThanOrEqual(12);
  });

  test('leaves a table alone that no exact value splits', () => {
    const rules = Array.from({ length: 100 }, (_, i) => route(`r${i}`, [{ key: 'a', kind: 'prefix', value: `${i}.` }]));
    const { routes } = new RouteTable(rules);
    expect(finish(indexRoutes(routes)).first(attributes({ a: '99.x' }), NO_ROUTE)).toBe(99);
    expect(finish(indexRoutes(routes)).first(attributes({ a: '99.x' }), 50)).toBe(50);
  });
});

describe('explain', () => {
  const table = new RouteTable(
    [
      route('v2', [exact('method', 'sayHello'), { key: 'User', kind: 'present' }]),
      route('', [{ key: 'method', kind: 'regex', value: 'say(Hi|Ho)' }]),
      route('n', [{ key: 'n', kind: 'range', start: 1n, end: 5n, invert: true }]),
      route('rest', []),
    ],
    { regex: re2 },
  );

  test('tells of each earlier route what it wanted and got', () => {
    const { route: found, misses } = table.explain(attributes({ method: 'sayHello', n: '3' }));
    expect(found?.name).toBe('rest');
    expect(misses.map(({ wanted, got }) => [wanted.key, got])).toEqual([
      ['User', undefined],
      ['method', 'sayHello'],
      ['n', '3'],
    ]);
    expect(misses.map(formatMiss)).toEqual([
      'route 1 "v2": wants User present, got no such attribute',
      'route 2: wants method matches /say(Hi|Ho)/ as a whole, got "sayHello"',
      'route 3 "n": wants not (n from 1 to below 5), got "3"',
    ]);
  });

  test('cuts long values, and says when one was too long to try', () => {
    const { misses } = table.explain(attributes({ method: 'x'.repeat(5000) }));
    expect(formatMiss(misses[0]!)).toMatch(/got "x{200}"… \(5000 characters\)$/);
    expect(formatMiss(misses[1]!)).toMatch(/got 5000 characters; a pattern is tried on 4096 at most$/);
  });
});
