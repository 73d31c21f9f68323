import { describe, expect, test } from '@jest/globals';
import { re2 } from '../../adapters/engines/re2.js';
import { type AttributeMatcher, compileMatch, compileMatches, MAX_REGEX_VALUE } from '../../src/routing/index.js';
import { type AttributeMatch, RuleError } from '../../src/rules/index.js';
import { FROM } from './rules.js';

type Condition = AttributeMatch extends infer M ? (M extends unknown ? Omit<M, 'key'> : never) : never;

function compile(condition: Condition): AttributeMatcher {
  return compileMatch({ key: 'K', ...condition } as AttributeMatch, { regex: re2 }, FROM);
}

/** Condition, value (undefined: missing), outcome, and outcome if the condition is inverted. */
const TABLE: [Condition, string | undefined, boolean, boolean][] = [
  [{ kind: 'exact', value: 'v' }, 'v', true, false],
  [{ kind: 'exact', value: 'v' }, 'V', false, true],
  [{ kind: 'exact', value: 'v' }, '', false, true],
  [{ kind: 'exact', value: 'v' }, undefined, false, false],
  [{ kind: 'exact', value: '' }, 'anything', true, false],
  [{ kind: 'exact', value: '' }, '', true, false],
  [{ kind: 'exact', value: '' }, undefined, false, false],
  [{ kind: 'exact', value: '', ignoreCase: true }, 'x', true, false],
  [{ kind: 'exact', value: 'Ab', ignoreCase: true }, 'aB', true, false],
  [{ kind: 'exact', value: 'Ab', ignoreCase: true }, 'aBc', false, true],
  [{ kind: 'exact', value: 'É', ignoreCase: true }, 'é', false, true],
  [{ kind: 'prefix', value: 'say' }, 'sayHello', true, false],
  [{ kind: 'prefix', value: 'say' }, 'Say', false, true],
  [{ kind: 'prefix', value: 'say' }, undefined, false, false],
  [{ kind: 'prefix', value: 'SAY', ignoreCase: true }, 'sayHello', true, false],
  [{ kind: 'prefix', value: 'SAY', ignoreCase: true }, 'sa', false, true],
  [{ kind: 'suffix', value: 'lo' }, 'hello', true, false],
  [{ kind: 'suffix', value: 'lo' }, 'o', false, true],
  [{ kind: 'suffix', value: 'LO', ignoreCase: true }, 'hello', true, false],
  [{ kind: 'suffix', value: 'LO', ignoreCase: true }, 'o', false, true],
  [{ kind: 'contains', value: 'ell' }, 'hello', true, false],
  [{ kind: 'contains', value: 'ELL', ignoreCase: true }, 'hello', true, false],
  [{ kind: 'contains', value: 'ELX', ignoreCase: true }, 'hello', false, true],
  [{ kind: 'present' }, '', true, false],
  [{ kind: 'present' }, undefined, false, true],
  [{ kind: 'absent' }, '', false, true],
  [{ kind: 'absent' }, undefined, true, false],
  [{ kind: 'range', start: -5n, end: 10n }, '-5', true, false],
  [{ kind: 'range', start: -5n, end: 10n }, ' +9\t', true, false],
  [{ kind: 'range', start: -5n, end: 10n }, '0009', true, false],
  [{ kind: 'range', start: -5n, end: 10n }, '10', false, true],
  [{ kind: 'range', start: -5n, end: 10n }, '9.0', false, true],
  [{ kind: 'range', start: -5n, end: 10n }, '', false, true],
  [{ kind: 'range', start: -5n, end: 10n }, '-', false, true],
  [{ kind: 'range', start: -5n, end: 10n }, undefined, false, false],
  [{ kind: 'range', start: 9223372036854775806n, end: 9223372036854775807n }, '9223372036854775806', true, false],
  [{ kind: 'range', start: 9223372036854775806n, end: 9223372036854775807n }, '9223372036854775807', false, true],
  [{ kind: 'range', start: -(2n ** 63n), end: 0n }, '-9223372036854775808', true, false],
  [{ kind: 'range', start: -(2n ** 63n), end: 0n }, '-9223372036854775809', false, true],
  [{ kind: 'range', start: -(2n ** 63n), end: 0n }, '-99999999999999999999', false, true],
  [{ kind: 'regex', value: 'v[0-9]+' }, 'v12', true, false],
  [{ kind: 'regex', value: 'v[0-9]+' }, 'xv12', false, true],
  [{ kind: 'regex', value: 'v[0-9]+' }, 'v12x', false, true],
  [{ kind: 'regex', value: 'v[0-9]+' }, undefined, false, false],
  [{ kind: 'regex', value: 'v1' }, 'v12', false, true],
  [{ kind: 'regex', value: '' }, '', true, false],
  [{ kind: 'regex', value: '' }, 'x', false, true],
];

describe('a condition', () => {
  test.each(TABLE)('%p on %p: %p, inverted %p', (condition, value, plain, inverted) => {
    expect(compile(condition).holds(value)).toBe(plain);
    expect(compile({ ...condition, invert: true }).holds(value)).toBe(inverted);
  });

  test.each<[Condition, boolean]>([
    [{ kind: 'exact', value: 'v' }, false],
    [{ kind: 'exact', value: '' }, true],
    [{ kind: 'prefix', value: '' }, true],
    [{ kind: 'regex', value: '.*' }, true],
    [{ kind: 'regex', value: '.+' }, false],
    [{ kind: 'range', start: 0n, end: 9n }, false],
    [{ kind: 'present' }, true],
    [{ kind: 'absent' }, false],
  ])('%p takes a missing attribute as empty, if told so: %p', (condition, plain) => {
    expect(compile({ ...condition, missingAsEmpty: true }).holds(undefined)).toBe(plain);
    expect(compile({ ...condition, missingAsEmpty: true, invert: true }).holds(undefined)).toBe(!plain);
  });

  test('has its key lower-cased', () => {
    expect(compile({ kind: 'present' }).key).toBe('k');
  });

  test('never hands a longer value to an engine than it can bear, inverted or not', () => {
    const longest = 'v'.repeat(MAX_REGEX_VALUE);
    for (const invert of [false, true]) {
      const matcher = compile({ kind: 'regex', value: 'v*[a-z]', ...(invert ? { invert } : {}) });
      expect(matcher.holds(longest)).toBe(!invert);
      expect(matcher.holds(`${longest}v`)).toBe(false);
    }
    expect(compile({ kind: 'regex', value: 'v.*' }).holds(`${longest}v`)).toBe(true);
  });

  test('knows the one value it takes, if there is one', () => {
    expect(compile({ kind: 'exact', value: 'v' }).onlyValue).toBe('v');
    expect(compile({ kind: 'regex', value: '^a\\.b$' }).onlyValue).toBe('a.b');
    for (const many of [
      { kind: 'exact', value: 'v', invert: true },
      { kind: 'exact', value: 'v', ignoreCase: true },
      { kind: 'exact', value: '' },
      { kind: 'regex', value: '' },
      { kind: 'regex', value: 'v', invert: true },
    ] as const) {
      expect(compile(many).onlyValue).toBeUndefined();
    }
  });
});

describe('a pattern that cannot be used', () => {
  test('because there is no engine, is an error by name', () => {
    const match = { key: 'method', kind: 'regex', value: 'a|b' } as const;
    expect(() => compileMatch(match, {}, FROM)).toThrow(RuleError);
    expect(() => compileMatch(match, {}, FROM)).toThrow(/^test.yaml:1: attribute method: .*"a\|b".*engine 'regex'/);
  });

  test.each(['(', 'a{1001}', '(?=x)', '*', 'x{500}y', '('.repeat(5000)])('%.20p is an error', (value) => {
    expect(() => compile({ kind: 'regex', value })).toThrow(/attribute K: .* cannot be used as an RE2 pattern/);
  });
});

test('conditions that run an engine are asked last', () => {
  const regex = { key: 'a', kind: 'regex', value: 'x|y' } as const;
  const exact = { key: 'b', kind: 'exact', value: 'z' } as const;
  expect(compileMatches([regex, exact], { regex: re2 }, FROM).map(({ key }) => key)).toEqual(['b', 'a']);
});
