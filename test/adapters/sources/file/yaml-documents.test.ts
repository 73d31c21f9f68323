import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseDuration } from '../../../../adapters/sources/file/duration.js';
import { readYaml, YAML_LIMITS } from '../../../../adapters/sources/file/yaml-documents.js';

const read = (text: string, limits = {}) => readYaml(text, 'a.yaml', { ...YAML_LIMITS, ...limits });
const messages = (text: string, limits = {}) =>
  read(text, limits).problems.map(({ line, column, message }) => `${line}:${column} ${message}`);

describe('documents', () => {
  test('come one by one, empty ones left out', () => {
    const { documents, problems } = read('a: 1\n---\n---\n# nothing\n---\nb: [2]\n');
    expect(documents.map(({ value }) => value)).toEqual([{ a: 1 }, { b: [2] }]);
    expect(problems).toEqual([]);
  });

  test('know where each field stands, whatever style it is written in', () => {
    const [first, second] = read(
      'spec:\n  routes:\n    - name: x\n      match: {a: 1, b: 2}\n---\n{"s": {"t_x": 1}}',
    ).documents;
    const at = (path: (string | number)[], document = first) => {
      const { line, column } = document!.place.locate(path);
      return `${line}:${column}`;
    };
    expect(at(['spec', 'routes', 0])).toBe('3:7');
    expect(at(['spec', 'routes', 0, 'match', 'b'])).toBe('4:21');
    // A field that is missing stands where what lacks it stands.
    expect(at(['spec', 'routes', 0, 'route', 3])).toBe('3:7');
    expect(at(['s', 'tX'], second)).toBe('6:8');
  });

  test('read merge keys, as kubectl does', () => {
    expect(read('x: &b {p: 1}\ny:\n  <<: *b\n  q: 2').documents[0]!.value).toEqual({ x: { p: 1 }, y: { p: 1, q: 2 } });
  });

  test('with errors are told with their place, and the others are read', () => {
    const text = 'a: 1\n---\nb: [1\nc: 2\n---\nd: 1\nd: 2\n---\ne: *nobody\n---\nf: 1';
    expect(read(text).documents.map(({ value }) => value)).toEqual([{ a: 1 }, { f: 1 }]);
    expect(messages(text)).toEqual([
      expect.stringMatching(/^4:1 not valid YAML: Flow sequence/),
      '7:1 not valid YAML: Map keys must be unique',
      expect.stringMatching(/^9:1 not usable YAML: Unresolved alias/),
    ]);
  });
});

describe('bounds', () => {
  test('of size and number', () => {
    expect(messages('a: 12345', { maxLength: 7 })).toEqual([expect.stringContaining('over 7 characters')]);
    expect(messages('a: 1\n---\na: 2\n---\na: 3', { maxDocuments: 2 })).toEqual([
      expect.stringMatching(/^5:1 more than 2 documents/),
    ]);
  });

  test('of nesting, told before anything is built', () => {
    expect(messages('['.repeat(100_000))).toEqual(['1:65 nested deeper than 64 levels; no rule needs that']);
    expect(messages(`${'- '.repeat(5_000)}x`)).toEqual([expect.stringContaining('nested deeper')]);
    expect(read(`${'['.repeat(60)}${']'.repeat(60)}`).problems).toEqual([]);
  });

  test('of what aliases stand for', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]'];
    for (const [name, of] of ['ba', 'cb', 'dc', 'ed', 'fe'])
      bomb.push(`${name}: &${name} [${Array(10).fill(`*${of}`)}]`);
    expect(messages(bomb.join('\n'))).toEqual([expect.stringContaining('Excessive alias count')]);
  });

  test('whatever the text: an answer, never an exception', () => {
    const piece = fc.constantFrom(
      'a: ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '&x ',
      '*x',
      '\n',
      '  ',
      '|\n',
      '---\n',
      '"',
      '? ',
      '!!t ',
      '%Y ',
      '\t',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 40 }), (pieces) => {
        const { documents, problems } = read(pieces.join(''));
        return (
          documents.every(({ place }) => place.locate(['a', 0]).line >= 1) && problems.every(({ line }) => line >= 1)
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe('durations', () => {
  test.each([
    ['60s', 60_000],
    ['100ms', 100],
    ['1m30s', 90_000],
    ['1h1m1s1ms', 3_661_001],
    ['0.5h', 1_800_000],
    ['.5s', 500],
    ['1.s', 1_000],
    ['250us', 0.25],
    ['250µs', 0.25],
    ['0', 0],
    ['0s', 0],
    ['+2s', 2_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBeCloseTo(ms, 9);
  });

  test.each(['', '5', '-1s', 's', '1 s', '1s ', '1sec', '1d', '1e3s', '1m-1s', '9999999h', `${'1s'.repeat(40)}`])(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});
