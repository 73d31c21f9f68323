import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Slab } from '../../src/message/index.js';

test('pieces never overlap, and small ones lie side by side', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 6000 }), { maxLength: 200 }), (sizes) => {
      const slab = new Slab();
      const pieces = sizes.map((size, i) => slab.take(size).fill(i % 251));
      expect(pieces.map((piece) => piece.length)).toEqual(sizes);
      expect(pieces.every((piece, i) => piece.every((byte) => byte === i % 251))).toBe(true);
    }),
  );
  const slab = new Slab();
  const [a, b] = [slab.take(100), slab.take(100)];
  expect([b.buffer === a.buffer, b.byteOffset]).toEqual([true, a.byteOffset + 100]);
});

test('what it holds grows with what is taken of it', () => {
  const slab = new Slab();
  expect(slab.take(10).buffer.byteLength).toBe(2048);
  for (let i = 0; i < 1000; i++) slab.take(100);
  expect(slab.take(100).buffer.byteLength).toBe(16_384);
  expect(slab.take(5000).buffer.byteLength).toBe(5000);
});
