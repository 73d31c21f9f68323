import { beforeAll, describe, expect, test } from '@jest/globals';
import { xxhash } from '../../adapters/engines/xxhash.js';
import { hashOf } from '../../src/routing/index.js';
import type { HashEngine } from '../../src/rules/index.js';
import { attributes } from './rules.js';

let engine: HashEngine;
beforeAll(async () => {
  engine = await xxhash();
});

describe('the hash of a call', () => {
  test.each<[Record<string, string>, string[], bigint]>([
    [{ a: 'foo' }, ['a'], 3728699739546630719n],
    [{ a: 'foo', b: 'bar' }, ['a', 'b'], 6648465492906218751n],
    [{ a: 'foo', b: 'bar' }, ['b', 'a'], 6648465492906218751n],
    [{}, ['a'], 17241709254077376921n],
  ])('of %p by %p is what Envoy publishes', (values, keys, hash) => {
    expect(hashOf(attributes(values), keys, engine)).toBe(hash);
  });

  test('chains: each hash is the seed of the next', () => {
    expect(engine.hash('bar', engine.hash('foo', 0n))).toBe(17745830980996999794n);
  });

  test('counts a missing attribute as empty, and a repeated key twice', () => {
    expect(hashOf(attributes({ a: 'foo' }), ['a', 'b'], engine)).toBe(engine.hash('foo', engine.hash('', 0n)));
    expect(hashOf(attributes({ a: 'foo' }), ['a', 'a'], engine)).toBe(engine.hash('foo', engine.hash('foo', 0n)));
  });

  test('sorts values by their bytes', () => {
    const values = attributes({ a: '\u{1f600}', b: '\uffee' });
    expect(hashOf(values, ['a', 'b'], engine)).toBe(engine.hash('\u{1f600}', engine.hash('\uffee', 0n)));
  });

  test('is nothing without keys', () => {
    expect(hashOf(attributes({ a: 'foo' }), [], engine)).toBeUndefined();
  });
});
