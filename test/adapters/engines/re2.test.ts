import { describe, expect, test } from '@jest/globals';
import { MAX_PROGRAM, re2 } from '../../../adapters/engines/re2.js';

describe('re2', () => {
  test.each<[string, string, boolean]>([
    ['v[0-9]+', 'v12', true],
    ['v[0-9]+', 'v12x', false],
    ['a|ab', 'ab', true],
    ['.', '\n', false],
    ['a$', 'a\n', false],
    ['(?i)ABC', 'aBc', true],
    ['\\p{Greek}+', 'αβγ', true],
    ['.', '😀', true],
  ])('%p on %p: %p', (pattern, value, matches) => {
    expect(re2.compile(pattern).matchesWhole(value)).toBe(matches);
  });

  test('refuses what is no RE2 pattern, look-around and back references included', () => {
    for (const pattern of ['(', '*', '(?=a)', '(?<=a)b', '(a)\\1', 'a{1001}']) {
      expect(() => re2.compile(pattern)).toThrow();
    }
  });

  test('refuses programs and patterns that are too large', () => {
    expect(() => re2.compile(`a{${MAX_PROGRAM}}b?`)).toThrow(/instructions, more than 500/);
    expect(() => re2.compile('a'.repeat(10_001))).toThrow(/longer than 10000/);
    expect(re2.compile('a{490}').matchesWhole('a'.repeat(490))).toBe(true);
  });
});
