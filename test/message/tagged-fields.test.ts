import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  FieldReader,
  varint64Length,
  varintLength,
  writeVarint,
  writeVarint64,
} from '../../src/message/tagged-fields.js';

const reader = new FieldReader();

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (; value > 0x7fn; value >>= 7n) bytes.push(Number(value & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(value)]);
}

interface Field {
  readonly number: number;
  readonly wireType: number;
  readonly value: bigint;
  readonly bytes: Uint8Array;
}

function encoded({ number, wireType, value, bytes }: Field): Buffer {
  const tag = varint((BigInt(number) << 3n) | BigInt(wireType));
  if (wireType === 0) return Buffer.concat([tag, varint(value)]);
  if (wireType === 2) return Buffer.concat([tag, varint(BigInt(bytes.length)), bytes]);
  return Buffer.concat([tag, Buffer.alloc(wireType === 1 ? 8 : 4, 7)]);
}

const field: fc.Arbitrary<Field> = fc.record({
  number: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 2 ** 29 - 1 })),
  wireType: fc.constantFrom(0, 1, 2, 5),
  value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  bytes: fc.uint8Array({ maxLength: 200 }),
});

describe('a reader of tagged fields', () => {
  test('comes to each field, where it is and with what it says', () => {
    fc.assert(
      fc.property(fc.array(field), fc.nat(5), (fields, before) => {
        const parts = fields.map(encoded);
        const bytes = Buffer.concat([Buffer.alloc(before, 0xff), ...parts, Buffer.alloc(9, 0xff)]);
        reader.open(bytes, before, bytes.length - 9);
        let start = before;
        fields.forEach(({ number, wireType, value, bytes: payload }, i) => {
          expect(reader.next()).toBe(true);
          expect([reader.number, reader.wireType, reader.start]).toEqual([number, wireType, start]);
          start += parts[i]!.length;
          expect(reader.end).toBe(start);
          if (wireType === 0) expect((BigInt(reader.high) << 32n) | BigInt(reader.low)).toBe(value);
          if (wireType === 2) {
            expect(bytes.subarray(reader.at, reader.end).equals(payload)).toBe(true);
            expect(reader.length).toBe(payload.length);
          }
        });
        expect([reader.next(), reader.malformed]).toEqual([false, false]);
      }),
    );
  });

  test('ends at what is cut or is no field, and says so', () => {
    fc.assert(
      fc.property(field, (it) => {
        const bytes = encoded(it);
        for (let length = 1; length < bytes.length; length++) {
          reader.open(bytes, 0, length);
          expect([reader.next(), reader.malformed, reader.next()]).toEqual([false, true, false]);
        }
      }),
    );
    for (const bytes of [
      '00',
      '03',
      '0c',
      '0b',
      '0f',
      '08ffffffffffffffffffff01',
      '0affffffffffffffffff01',
      '0a8080808010',
    ]) {
      reader.open(Buffer.from(bytes, 'hex'), 0, bytes.length / 2);
      expect([bytes, reader.next(), reader.malformed]).toEqual([bytes, false, true]);
    }
  });

  test('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        reader.open(bytes, 0, bytes.length);
        let last = 0;
        while (reader.next()) {
          expect(reader.start).toBe(last);
          expect(reader.end).toBeGreaterThan(last);
          last = reader.end;
        }
        expect(last).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });

  test('varints are written as they are read', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.nat(2 ** 31 - 1), fc.constantFrom(0, 127, 128, 16383, 16384, 2 ** 32 - 1, -1)),
        (value) => {
          const bytes = Buffer.alloc(8);
          const length = writeVarint(bytes, 0, value);
          expect(length).toBe(varintLength(value));
          expect(bytes.subarray(0, length)).toEqual(varint(BigInt(value >>> 0)));
        },
      ),
    );
  });
});

test('numbers of 64 bits are written as they are read', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.nat(70), (value, shift) => {
      const number = value >> BigInt(Math.min(shift, 63));
      const [high, low] = [Number(number >> 32n), Number(number & 0xffffffffn)];
      const bytes = Buffer.alloc(12);
      bytes[0] = 0x08;
      const end = writeVarint64(bytes, 1, high, low);
      expect(end - 1).toBe(varint64Length(high, low));
      reader.open(bytes, 0, end);
      expect([reader.next(), reader.high, reader.low, reader.end]).toEqual([true, high, low, end]);
    }),
  );
});
