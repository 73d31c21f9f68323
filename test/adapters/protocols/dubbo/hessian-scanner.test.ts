import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import hessian from 'hessian.js';
import { HessianScanner, MAX_DEPTH } from '../../../../adapters/protocols/dubbo/hessian/scanner.js';
import { MALFORMED } from '../../../../adapters/protocols/dubbo/malformed.js';

const scanner = new HessianScanner();

/** Values as hessian.js writes them, typed ones as `$class` and `$`. */
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 1200 }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 40_000 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('any'), { maxLength: 9 }),
    fc.dictionary(fc.string(), tie('any'), { maxKeys: 5 }),
    fc.record({ $class: fc.constantFrom('a.B', 'a.C', 'x.Y'), $: fc.record({ one: tie('any'), two: tie('any') }) }),
    fc.record({ $class: fc.constantFrom('[int', 'java.util.LinkedList'), $: fc.array(fc.integer(), { maxLength: 9 }) }),
  ),
})).any;

function encoded(...values: readonly unknown[]): Buffer {
  const encoder = new hessian.EncoderV2() as unknown as { write(value: unknown): void; get(): Buffer };
  for (const it of values) encoder.write(it);
  return encoder.get();
}

describe('the Hessian scanner', () => {
  test('passes over anything that hessian.js writes, to the byte', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), (values) => {
        const bytes = Buffer.concat([encoded(...values), Buffer.from('\x05after')]);
        scanner.begin(bytes, 0);
        for (const _ of values) scanner.skip();
        expect(scanner.string()).toBe('after');
        expect(scanner.at).toBe(bytes.length);
      }),
      { numRuns: 300 },
    );
  });

  test('reads any string that hessian.js writes', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3000 }),
      fc.string({ unit: 'grapheme-ascii', maxLength: 300 }),
    );
    fc.assert(
      fc.property(text, (written) => {
        scanner.begin(encoded(written), 0);
        expect(scanner.string()).toBe(written);
      }),
      { numRuns: 300 },
    );
  });

  test('reads ints of every length', () => {
    for (const int of [
      0, -16, 47, -17, 48, -2048, 2047, -2049, 2048, -262144, 262143, -262145, 262144, 2147483647, -2147483648,
    ]) {
      expect(scanner.begin(encoded(int), 0).int()).toBe(int);
    }
  });

  test('refuses any bytes cut short, and never reads on beyond the end', () => {
    fc.assert(
      fc.property(value, fc.nat(), (written, cut) => {
        const whole = encoded(written);
        const bytes = whole.subarray(0, cut % whole.length);
        expect(() => scanner.begin(bytes, 0).skip()).toThrow(MALFORMED);
      }),
      { numRuns: 300 },
    );
  });

  test('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        scanner.begin(Buffer.from(bytes), 0);
        try {
          while (scanner.peek() !== -1) scanner.skip();
          expect(scanner.at).toBe(bytes.length);
        } catch (error) {
          expect(error).toBe(MALFORMED);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ['a list of 2 billion values', 'XI\x7f\xff\xff\xff'],
    ['a list of -1 values', 'XI\xff\xff\xff\xff'],
    ['a class of 2 billion fields', 'C\x01cI\x7f\xff\xff\xff'],
    ['an object of an unknown class', '\x60'],
    ['an end without a beginning', 'Z'],
    ['a four-byte character', '\x01\xf0\x9f\x98\x80'],
    ['a reserved tag', '@'],
    ['a class whose name is a number', 'C\x91\x90'],
  ])('refuses %s', (_, bytes) => {
    expect(() => scanner.begin(Buffer.from(bytes, 'latin1'), 0).skip()).toThrow(MALFORMED);
  });

  test('nesting is bounded, not by the stack', () => {
    expect(() =>
      scanner.begin(Buffer.from(`${'W'.repeat(MAX_DEPTH)}${'Z'.repeat(MAX_DEPTH)}`), 0).skip(),
    ).not.toThrow();
    expect(() => scanner.begin(Buffer.alloc(1_000_000, 'W'), 0).skip()).toThrow(MALFORMED);
    expect(() => scanner.begin(Buffer.alloc(1_000_000, 0x79), 0).skip()).toThrow(MALFORMED);
  });
});
