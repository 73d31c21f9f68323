import { describe, expect, test } from '@jest/globals';
import { ConfigError, parseConfig } from '../../../adapters/node/index.js';

function problemsOf(value: unknown): readonly string[] {
  try {
    parseConfig(value, 'a.yaml');
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('a configuration', () => {
  test('that is empty has a default for everything', () => {
    expect(parseConfig(undefined)).toMatchObject({ rules: [], protocols: ['dubbo'], initialTimeout: 10_000 });
  });

  test('with an unknown key is refused, with those that it may have', () => {
    expect(problemsOf({ rule: 'x' })).toEqual([
      expect.stringMatching(/"rule"; it may have rules, watch, metards, protocols, /),
    ]);
    expect(problemsOf({ node: { name: 'x' } })).toEqual([
      expect.stringMatching(/^node: .*"name"; it may have id, namespace, labels, /),
    ]);
    expect(problemsOf({ metards: { address: 'a:1', tls: { cacert: 'x' } } })).toEqual([
      expect.stringMatching(/^metards\.tls: .*"cacert"; it may have ca, cert, key, /),
    ]);
    expect(problemsOf({ connections: { pool: { max: 1 } } })).toEqual([
      expect.stringMatching(/^connections\.pool: .*; it may have maxConnections, /),
    ]);
  });

  test('tells all that is wrong at once', () => {
    expect(problemsOf({ mode: 'watch', initialTimeout: '10 minutes' })).toEqual([
      expect.stringMatching(/^mode: /),
      expect.stringMatching(/^initialTimeout: .*250ms or 10s/),
    ]);
  });
});
