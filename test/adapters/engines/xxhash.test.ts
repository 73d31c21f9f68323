import { expect, test } from '@jest/globals';
import load from 'xxhash-wasm';
import { xxhash } from '../../../adapters/engines/xxhash.js';

test('a value is hashed the same whole and in pieces', async () => {
  const engine = await xxhash();
  const { h64 } = await load();
  for (const text of ['x'.repeat(16 * 1024), 'x'.repeat(16 * 1024 + 1), 'é😀'.repeat(40_000)]) {
    for (const seed of [0n, 2n ** 64n - 1n]) expect(engine.hash(text, seed)).toBe(h64(text, seed));
  }
});
