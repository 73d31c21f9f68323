import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { thrift } from '../../../../adapters/protocols/thrift/index.js';
import { ByteQueue, type Message, ProtocolError } from '../../../../src/message/index.js';
import { compact, int16, int32, json, old, strict, varint } from './vectors.js';

/** A value with its types in the two binary encodings. */
type Value =
  | { readonly is: 'fixed'; readonly binary: number; readonly compact: number; readonly bytes: Buffer }
  | { readonly is: 'integer'; readonly bytes: 2 | 4 | 8; readonly value: number }
  | { readonly is: 'bool'; readonly value: boolean }
  | { readonly is: 'text'; readonly value: Buffer }
  | { readonly is: 'list'; readonly values: readonly Value[]; readonly set: boolean }
  | { readonly is: 'map'; readonly pairs: readonly (readonly [Value, Value])[] }
  | { readonly is: 'struct'; readonly fields: readonly (readonly [number, Value])[] };

const INTEGERS = { 2: [6, 4], 4: [8, 5], 8: [10, 6] } as const;

function typeOf(value: Value, encoding: 0 | 1): number {
  switch (value.is) {
    case 'fixed':
      return encoding === 0 ? value.binary : value.compact;
    case 'integer':
      return INTEGERS[value.bytes][encoding];
    case 'bool':
      return encoding === 0 ? 2 : 1;
    case 'text':
      return encoding === 0 ? 11 : 8;
    case 'list':
      return encoding === 0 ? (value.set ? 14 : 15) : value.set ? 10 : 9;
    case 'map':
      return encoding === 0 ? 13 : 11;
    default:
      return 12;
  }
}

function binary(value: Value): Buffer {
  switch (value.is) {
    case 'fixed':
      return value.bytes;
    case 'integer': {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(BigInt(value.value));
      return bytes.subarray(8 - value.bytes);
    }
    case 'bool':
      return Buffer.of(value.value ? 1 : 0);
    case 'text':
      return Buffer.concat([int32(value.value.length), value.value]);
    case 'list': {
      const type = value.values.length > 0 ? typeOf(value.values[0]!, 0) : 3;
      return Buffer.concat([Buffer.of(type), int32(value.values.length), ...value.values.map(binary)]);
    }
    case 'map': {
      const [key, item] = value.pairs[0]?.map((it) => typeOf(it, 0)) ?? [0, 0];
      return Buffer.concat([Buffer.of(key!, item!), int32(value.pairs.length), ...value.pairs.flat().map(binary)]);
    }
    default: {
      const fields = value.fields.flatMap(([id, it]) => [Buffer.of(typeOf(it, 0)), int16(id), binary(it)]);
      return Buffer.concat([...fields, Buffer.of(0)]);
    }
  }
}

function zigzag(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value < 0 ? BigInt(value) * -2n - 1n : BigInt(value) * 2n);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

function compactValue(value: Value): Buffer {
  switch (value.is) {
    case 'fixed':
      return value.bytes;
    case 'integer':
      return zigzag(value.value);
    case 'bool':
      return Buffer.of(value.value ? 1 : 2);
    case 'text':
      return Buffer.concat([varint(value.value.length), value.value]);
    case 'list': {
      const { length } = value.values;
      const type = length > 0 ? typeOf(value.values[0]!, 1) : 3;
      const head =
        length < 15 ? Buffer.of((length << 4) | type) : Buffer.concat([Buffer.of(0xf0 | type), varint(length)]);
      return Buffer.concat([head, ...value.values.map(compactValue)]);
    }
    case 'map': {
      if (value.pairs.length === 0) return Buffer.of(0);
      const [key, item] = value.pairs[0]!.map((it) => typeOf(it, 1));
      const head = [varint(value.pairs.length), Buffer.of((key! << 4) | item!)];
      return Buffer.concat([...head, ...value.pairs.flat().map(compactValue)]);
    }
    default: {
      let last = 0;
      const fields = value.fields.flatMap(([id, it]) => {
        const type = it.is === 'bool' ? (it.value ? 1 : 2) : typeOf(it, 1);
        const delta = id - last;
        last = id;
        const head =
          delta > 0 && delta < 16 ? Buffer.of((delta << 4) | type) : Buffer.concat([Buffer.of(type), zigzag(id)]);
        return it.is === 'bool' ? [head] : [head, compactValue(it)];
      });
      return Buffer.concat([...fields, Buffer.of(0)]);
    }
  }
}

const fixed = fc.constantFrom<[number, number, number]>([3, 3, 1], [4, 7, 8], [16, 13, 16]);
const leaf: fc.Arbitrary<Value> = fc.oneof(
  fixed.map(([b, c, size]) => ({ is: 'fixed' as const, binary: b, compact: c, bytes: Buffer.alloc(size, 0x5a) })),
  fc.record({
    is: fc.constant('integer' as const),
    bytes: fc.constantFrom(2 as const, 4 as const, 8 as const),
    value: fc.integer({ min: -32768, max: 32767 }),
  }),
  fc.boolean().map((value) => ({ is: 'bool' as const, value })),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => ({ is: 'text' as const, value: Buffer.from(bytes) })),
);

/** Values of the same type as the first, as collections have them. */
function alike(values: readonly Value[]): readonly Value[] {
  const first = values[0];
  return values.filter((it) => typeOf(it, 0) === typeOf(first!, 0) && typeOf(it, 1) === typeOf(first!, 1));
}

const { struct } = fc.letrec<{ value: Value; struct: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    tie('struct'),
    fc.record({
      is: fc.constant('list' as const),
      values: fc.array(tie('value'), { maxLength: 20 }).map(alike),
      set: fc.boolean(),
    }),
    fc
      .tuple(fc.array(leaf, { maxLength: 5 }).map(alike), fc.array(tie('value'), { maxLength: 5 }).map(alike))
      .map(([keys, values]) => ({
        is: 'map' as const,
        pairs: keys.slice(0, values.length).map((key, i) => [key, values[i]!] as const),
      })),
  ),
  struct: fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), tie('value')), { maxLength: 6 }).map((fields) => ({
    is: 'struct' as const,
    fields,
  })),
}));

/** All messages of a stream that comes in chunks of these sizes, again and again. */
function read(bytes: Buffer, sizes: readonly number[]): Message[] {
  const codec = thrift.open('downstream');
  const queue = new ByteQueue();
  const messages: Message[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    queue.push(bytes.subarray(at, at + size));
    at += size;
    for (let it = codec.decode(queue); it !== null; it = codec.decode(queue)) messages.push(it);
  }
  expect(queue.length).toBe(0);
  return messages;
}

test('any struct of any values ends where it ends, however it is cut', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(
      fc.array(struct, { minLength: 1, maxLength: 4 }),
      fc.json({ maxDepth: 4 }),
      sizes,
      (structs, text, cut) => {
        const messages = structs.flatMap((it) => [
          strict({ body: binary(it) }),
          old({ body: binary(it) }),
          compact({ body: compactValue(it) }),
          json({ body: Buffer.from(`{"1":{"lst":["str",1,${text}]}}`) }),
        ]);
        const lengths = read(Buffer.concat(messages), cut).map(({ size }) => size);
        expect(lengths).toEqual(messages.map(({ length }) => length));
      },
    ),
    { numRuns: 120 },
  );
});

test('JSON: brackets and quotes in strings do not count', () => {
  const body = Buffer.from('{"1":{"str":"]}[{\\"]} \\\\"}}');
  const bytes = json({ body });
  for (const size of [1, 3, bytes.length]) expect(read(Buffer.concat([bytes, bytes]), [size])).toHaveLength(2);
});

/** A struct in a struct, so many times. */
function nested(depth: number, open: Buffer): Buffer {
  return Buffer.concat([...Array.from({ length: depth }, () => open), Buffer.alloc(depth + 1)]);
}

function decodeOne(bytes: Buffer, maxMessageBytes?: number): Message | null {
  const queue = new ByteQueue();
  queue.push(bytes);
  return thrift.open('downstream', maxMessageBytes === undefined ? {} : { maxMessageBytes }).decode(queue);
}

describe('bounds', () => {
  const deep: [string, (depth: number) => Buffer][] = [
    ['binary', (depth) => strict({ body: nested(depth, Buffer.of(12, 0, 1)) })],
    ['compact', (depth) => compact({ body: nested(depth, Buffer.of(0x1c)) })],
  ];
  test.each(deep)('%s: 128 deep and no deeper', (_, make) => {
    expect(decodeOne(make(127))).not.toBeNull();
    expect(() => decodeOne(make(128))).toThrow('nests more than 128 deep');
  });

  test('JSON: brackets without end', () => {
    expect(() => decodeOne(Buffer.from(`[1,${'['.repeat(1000)}`))).toThrow('nests 384 deep');
  });

  test.each([
    ['a string', strict({ body: Buffer.of(11, 0, 1, 0x7f, 0xff, 0xff, 0xff) })],
    ['a list of numbers', strict({ body: Buffer.of(15, 0, 1, 8, 0x7f, 0xff, 0xff, 0xff) })],
    ['a map of numbers', strict({ body: Buffer.of(13, 0, 1, 8, 8, 0x7f, 0xff, 0xff, 0xff) })],
    ['a compact string', compact({ body: Buffer.from('18ffffffff0f', 'hex') })],
    ['a compact list', compact({ body: Buffer.from('19f3ffffffff0f', 'hex') })],
  ])('%s said to be huge is refused at once, not waited for', (_, bytes) => {
    expect(() => decodeOne(bytes)).toThrow(
      'an unframed Thrift message of more than 16777216 bytes, which is the limit',
    );
  });

  test('a list of structs said to be huge is refused when the limit is reached', () => {
    const body = Buffer.concat([Buffer.of(15, 0, 1, 12, 0x7f, 0xff, 0xff, 0xff), Buffer.alloc(2000)]);
    expect(decodeOne(strict({ body }))).toBeNull();
    expect(() => decodeOne(strict({ body }), 1000)).toThrow('more than 1000 bytes');
  });

  test.each([
    ['a negative length', strict({ body: Buffer.from('0b0001ffffffff', 'hex') }), 'a length of -1'],
    ['type 1', strict({ body: Buffer.of(1, 0, 1, 0) }), 'a value of type 1'],
    ['type 200', strict({ body: Buffer.of(200, 0, 1, 0) }), 'a value of type 200'],
    ['compact type 14', compact({ body: Buffer.of(0x1e, 0) }), 'a value of type 14'],
    ['compact type 0', compact({ body: Buffer.of(0x10, 0) }), 'a value of type 0'],
    ['a compact list of nothing', compact({ body: Buffer.of(0x19, 0x20) }), 'a value of type 0'],
    ['an endless varint', compact({ body: Buffer.from('16ffffffffffffffffffffff', 'hex') }), 'more than 64 bits'],
  ])('%s is an error', (_, bytes, reason) => {
    expect(() => decodeOne(bytes)).toThrow(ProtocolError);
    expect(() => decodeOne(bytes)).toThrow(reason);
  });
});

function structs(count: number): Value[] {
  return Array.from({ length: count }, () => ({
    is: 'struct',
    fields: [[1, { is: 'text', value: Buffer.from('abc') }]],
  }));
}

describe('each byte is seen once, however it comes', () => {
  const list: Value = { is: 'struct', fields: [[1, { is: 'list', set: false, values: structs(1000) }]] };
  test.each([
    ['strict', strict({ body: binary(list) })],
    ['compact', compact({ body: compactValue(list) })],
    ['json', json({ body: Buffer.from(`{"1":{"lst":["str",1000${',"abc"'.repeat(1000)}]}}`) })],
  ])('%s', (_, bytes) => {
    const runs = jest.spyOn(ByteQueue.prototype, 'run');
    try {
      expect(read(bytes, [1])).toHaveLength(1);
      // A chunk of one byte is fetched when it comes, and a few more times as part of a value that straddles chunks.
      expect(runs.mock.calls.length).toBeLessThan(6 * bytes.length);
    } finally {
      runs.mockRestore();
    }
  });
});
