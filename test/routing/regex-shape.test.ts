import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { re2 } from '../../adapters/engines/re2.js';
import { compileMatch } from '../../src/routing/index.js';
import { regexShape } from '../../src/routing/regex-shape.js';
import { FROM } from './rules.js';

describe('the shape of a pattern', () => {
  test.each([
    ['sayHello', { kind: 'exact', value: 'sayHello' }],
    ['^org\\.apache\\.Demo$', { kind: 'exact', value: 'org.apache.Demo' }],
    ['', { kind: 'exact', value: '' }],
    ['.*', { kind: 'affix', prefix: '', suffix: '', between: 0 }],
    ['.+', { kind: 'affix', prefix: '', suffix: '', between: 1 }],
    ['say.*', { kind: 'affix', prefix: 'say', suffix: '', between: 0 }],
    ['.*Service', { kind: 'affix', prefix: '', suffix: 'Service', between: 0 }],
    ['a.+b', { kind: 'affix', prefix: 'a', suffix: 'b', between: 1 }],
    ['.*admin.*', { kind: 'contains', value: 'admin' }],
  ])('%p is simple', (pattern, shape) => {
    expect(regexShape(pattern)).toEqual(shape);
  });

  test.each([
    'a|b',
    'a.b',
    '.*?',
    'a*',
    '(?i)a',
    '\\d',
    '\\',
    '.',
    '.+a.*',
    'a.*b.*c',
    'a\nb',
    '\\n',
    'a$b',
    '^^a',
    'x{2}',
    '[a]',
    '.**',
  ])('%p is for the engine', (pattern) => {
    expect(regexShape(pattern)).toBeUndefined();
  });

  test('means what RE2 means by it', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '.',
      '.*',
      '.+',
      '\\.',
      '\\*',
      '^',
      '$',
      '\n',
      '|',
      '(',
      ')',
      '?',
      '+',
      '*',
      '\\',
      '{',
      'é',
    );
    const pattern = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
    const value = fc
      .array(fc.constantFrom('a', 'b', '.', '*', '\n', '^', '$', 'é'), { maxLength: 5 })
      .map((v) => v.join(''));
    let simple = 0;
    fc.assert(
      fc.property(pattern, value, (source, text) => {
        if (regexShape(source) === undefined) return;
        simple++;
        const matcher = compileMatch({ key: 'k', kind: 'regex', value: source }, {}, FROM);
        expect(matcher.holds(text)).toBe(re2.compile(source).matchesWhole(text));
      }),
      { numRuns: 5000 },
    );
    expect(simple).toBeGreaterThan(500);
  });
});
