import { describe, expect, test } from '@jest/globals';
import { javaType } from '../../../../../adapters/protocols/dubbo/client/java-type.js';
import { type Invocation, RequestEncoder } from '../../../../../adapters/protocols/dubbo/client/request.js';
import { javaClassOf, ValueReader } from '../../../../../adapters/protocols/dubbo/client/value-reader.js';

const encoder = new RequestEncoder({
  interface: 'a.B',
  version: '1.2.0',
  group: 'blue',
  application: undefined,
  dubboVersion: '2.0.2',
});

/** What a provider reads of a request: five strings, the arguments, the attachments. */
function sent(args: readonly unknown[], more: Partial<Invocation> = {}): { descriptor: string; rest: unknown[] } {
  const call = { method: 'm', args, types: undefined, attachments: undefined, timeoutMs: undefined, oneway: false };
  const frame = encoder.encode({ ...call, ...more });
  const reader = new ValueReader(frame.subarray(16));
  const [, , , , descriptor] = [reader.read(), reader.read(), reader.read(), reader.read(), reader.read()];
  const rest: unknown[] = [];
  while (reader.byteBuffer.position() < frame.length - 16) rest.push(reader.read());
  return { descriptor: descriptor as string, rest };
}

describe('types that are not given are inferred', () => {
  const cases: [unknown, string][] = [
    ['x', 'Ljava/lang/String;'],
    [true, 'Z'],
    [1, 'I'],
    [-(2 ** 31), 'I'],
    [2 ** 31, 'J'],
    [2n ** 63n - 1n, 'J'],
    [1.5, 'D'],
    [2 ** 60, 'D'],
    [-0, 'D'],
    [new Date(0), 'Ljava/util/Date;'],
    [Buffer.from('x'), '[B'],
    [[1], 'Ljava/util/List;'],
    [new Set([1]), 'Ljava/util/Set;'],
    [{ a: 1 }, 'Ljava/util/Map;'],
    [new Map([[1, 2]]), 'Ljava/util/Map;'],
    [null, 'Ljava/lang/Object;'],
    [{ $class: 'a.Point', $: { x: 1 } }, 'La/Point;'],
    [{ $class: '[int', $: [1] }, '[I'],
  ];
  test.each(cases)('%p: %s', (value, descriptor) => {
    expect(sent([value]).descriptor).toBe(descriptor);
  });
});

describe('types are taken as Java, Hessian and descriptors write them', () => {
  const cases: [string, string, string][] = [
    ['int', 'I', 'int'],
    ['I', 'I', 'int'],
    ['int[]', '[I', 'int[]'],
    ['[I', '[I', 'int[]'],
    ['[int', '[I', 'int[]'],
    ['long[][]', '[[J', 'long[][]'],
    ['byte[]', '[B', 'byte[]'],
    ['java.lang.String[]', '[Ljava/lang/String;', 'java.lang.String[]'],
    ['[Ljava.lang.String;', '[Ljava/lang/String;', 'java.lang.String[]'],
    ['[string', '[Ljava/lang/String;', 'java.lang.String[]'],
    ['Lcom/acme/Order;', 'Lcom/acme/Order;', 'com.acme.Order'],
    ['com.acme.Order$Line', 'Lcom/acme/Order$Line;', 'com.acme.Order$Line'],
  ];
  test.each(cases)('%s', (name, descriptor, javaName) => {
    expect(javaType(name)).toMatchObject({ descriptor, name: javaName });
  });

  test('void and nothing are no types', () => {
    expect(() => javaType('void')).toThrow("'void' is no type of a Java argument");
    expect(() => javaType('')).toThrow(TypeError);
  });
});

describe('a value that is not of its type is refused, with its place', () => {
  const cases: [string, unknown, string][] = [
    ['int', 'x', 'expected int, got string x'],
    ['int', 2 ** 31, 'expected int, got number 2147483648'],
    ['byte', 128, 'expected byte, got number 128'],
    ['int', null, 'expected int, got null'],
    ['long', 2 ** 53, 'expected long, got number 9007199254740992'],
    ['long', 2n ** 63n, 'expected long, got bigint 9223372036854775808'],
    ['long', '12x', 'expected long, got string 12x'],
    ['java.util.Date', new Date(Number.NaN), 'expected java.util.Date, got Date'],
    ['java.util.List', { a: 1 }, 'expected java.util.List, got Object'],
    ['java.util.Map', [1], 'expected java.util.Map, got Array'],
    ['java.util.Locale', 'fr', 'expected java.util.Locale, got string fr'],
    ['int[]', [1, 'x'], 'expected int, got string x'],
    ['java.lang.Object', Symbol.for('s'), 'expected java.util.Map, got symbol Symbol(s)'],
  ];
  test.each(cases)('%s: %p', (type, value, reason) => {
    expect(() => sent([value], { types: [type] })).toThrow(`m: argument 1: ${reason}`);
  });

  test("and so are too few types and attachments that are the client's own", () => {
    expect(() => sent([1, 2], { types: ['int'] })).toThrow('m: 1 types for 2 arguments');
    expect(() => sent([], { attachments: { group: 'green' } })).toThrow(
      "m: attachment 'group' is written by the client",
    );
  });

  test('a refused call leaves nothing behind for the next', () => {
    expect(() => sent(['a'.repeat(100), {}], { types: ['java.lang.String', 'int'] })).toThrow(TypeError);
    expect(sent(['b']).rest[0]).toBe('b');
  });
});

describe('what hessian.js alone would lose', () => {
  test('objects of one class with different fields keep all of them', () => {
    const a = { $class: 'a.P', $: { x: 1 } };
    const b = { $class: 'a.P', $: { x: 2, y: 3 } };
    expect(sent([a, b]).rest.slice(0, 2)).toEqual([{ x: 1 }, { x: 2, y: 3 }]);
  });

  test('NaN, infinities and longs inside maps and lists', () => {
    const value = { nan: Number.NaN, inf: -Infinity, long: 2n ** 62n, wide: 2 ** 40, list: [Number.NaN, 3n] };
    expect(sent([value]).rest[0]).toEqual({ ...value, list: [Number.NaN, 3] });
  });

  test('a value used twice, or inside itself, is one object', () => {
    const list: unknown[] = ['x'];
    list.push(list);
    const [first, second] = sent([list, { again: list }]).rest as [unknown[], { again: unknown[] }];
    expect(first[1]).toBe(first);
    expect(second.again).toBe(first);
  });

  test('one JavaScript object under two types is two', () => {
    const fields = { x: 1 };
    const { rest } = sent([fields, fields], { types: ['a.P', 'java.util.Map'] });
    expect(javaClassOf(rest[0])).toBe('a.P');
    expect(rest[1]).not.toBe(rest[0]);
  });

  test('an object that came from Java goes back as its class', () => {
    const came = sent([{ $class: 'a.P', $: { x: { $class: 'a.Q', $: { y: 1 } } } }]).rest[0];
    const back = sent([came]);
    expect(back.descriptor).toBe('La/P;');
    expect(back.rest[0]).toEqual({ x: { y: 1 } });
    expect(javaClassOf((back.rest[0] as { x: unknown }).x)).toBe('a.Q');
  });

  test('a string for a class of the caller is an enum constant', () => {
    const { rest } = sent(['RED'], { types: ['a.Colour'] });
    expect(javaClassOf(rest[0])).toBe('a.Colour');
    expect(rest[0]).toEqual({ name: 'RED' });
  });
});

test("attachments follow the client's own", () => {
  const { rest } = sent([], { attachments: { 'x-user': 'alice' }, timeoutMs: 250, oneway: true });
  expect(Object.entries(rest[0] as object)).toEqual([
    ['path', 'a.B'],
    ['interface', 'a.B'],
    ['version', '1.2.0'],
    ['group', 'blue'],
    ['return', 'false'],
    ['timeout', '250'],
    ['x-user', 'alice'],
  ]);
});

test('a large argument arrives whole, and the next call is unharmed', () => {
  const large = Buffer.alloc(1 << 20, 7);
  expect(large.equals(sent([large]).rest[0] as Buffer)).toBe(true);
  expect(sent(['small']).rest[0]).toBe('small');
});

test('what is no call is told in its own words', () => {
  expect(() => sent('x' as never)).toThrow('m: the arguments must be an array, even if there is but one');
  expect(() => sent([], { method: undefined as never })).toThrow("the method's name is undefined; it must be text");
  expect(() => sent([], { attachments: { a: 5 as never } })).toThrow("m: attachment 'a' is a number; it must be text");
});
