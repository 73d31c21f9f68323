import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareBytes, includesIgnoringCase, parseInt64 } from '../../src/routing/text.js';

const units = fc.string({
  unit: fc.constantFrom('a', 'b', '\u007f', 'é', '\ue000', '\uffff', '\u{10000}', '😀'),
  maxLength: 4,
});

test('strings are ordered as their UTF-8 bytes are', () => {
  fc.assert(
    fc.property(units, units, (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test('64-bit numbers are read as BigInt reads them, and nothing else is', () => {
  const text = fc.oneof(
    fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
    fc.string({ unit: fc.constantFrom('0', '1', '9', '-', '+', ' ', '.', 'e'), maxLength: 6 }),
  );
  fc.assert(
    fc.property(text, (digits) => {
      const number = /^[+-]?\d+$/.test(digits.trim()) ? BigInt(digits.trim().replace('+', '')) : undefined;
      const wanted = number !== undefined && BigInt.asIntN(64, number) === number ? number : undefined;
      const got = parseInt64(digits);
      expect(got === undefined ? undefined : BigInt(got)).toBe(wanted);
    }),
    { numRuns: 2000 },
  );
});

test('a part is found in any letter case', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'A', 'b', 'B', '['), maxLength: 6 });
  fc.assert(
    fc.property(text, text, (value, wanted) => {
      expect(includesIgnoringCase(value, wanted)).toBe(value.toLowerCase().includes(wanted.toLowerCase()));
    }),
  );
});
