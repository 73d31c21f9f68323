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
      expect.stringMatching(/"rule"; it may have rules, watch, metards, protocols, .*; did you mean rules\?$/),
    ]);
    expect(problemsOf({ node: { name: 'x' } })).toEqual([
      expect.stringMatching(/^node: .*"name"; it may have id, namespace, labels, /),
    ]);
    expect(problemsOf({ metards: { address: 'a:1', names: 'used', protocol: 'dubbo' } })).toEqual([
      expect.stringMatching(/^metards\.protocol: .*names: used asks for services that are described/),
    ]);
    expect(problemsOf({ metards: { address: 'a:1', tls: { cacert: 'x' } } })).toEqual([
      expect.stringMatching(/^metards\.tls: .*"cacert"; it may have ca, cert, key, /),
    ]);
    expect(problemsOf({ connections: { pool: { max: 1 } } })).toEqual([
      expect.stringMatching(/^connections\.pool: .*; it may have maxConnections, /),
    ]);
    expect(problemsOf({ sidecar: { capture: 'all' } })).toEqual([
      expect.stringMatching(/^sidecar: .*"capture"; it may have captures, ports; did you mean captures\?$/),
    ]);
  });

  test('places services by name, and knows what is none', () => {
    const placement = { 'demo.example:20880': 'sidecar', '*': 'in-process' };
    expect(parseConfig({ placement })).toMatchObject({ placement });
    for (const wrong of ['sidecars', { demo: 'sidecar' }, { '*': 'nowhere' }]) {
      expect(problemsOf({ placement: wrong })).toEqual([
        'placement: auto, in-process or sidecar; or one of these by <host>:<port>, with * for the others',
      ]);
    }
    expect(problemsOf({ sidecar: { ports: { demo: 1 } } })).toEqual([
      expect.stringMatching(/^sidecar\.ports\.demo: .*<host>:<port>/),
    ]);
    expect(problemsOf({ listeners: { outbound: { ports: { 'a:1': 15_001, 'b:1': 15_001 } } } })).toEqual([
      expect.stringMatching(/^listeners\.outbound\.ports\.b:1: .*15001 stands for a:1 already/),
    ]);
    expect(problemsOf({ listeners: { outbound: { ports: { 'a:1': 0, 'b:1': 0 } } } })).toEqual([]);
    expect(problemsOf({ sidecar: { ports: { 'demo:1': 0 } } })).toEqual([
      expect.stringMatching(/^sidecar\.ports\.demo:1: /),
    ]);
  });

  test('has no duration that a timer cannot take, and age as long as it likes', () => {
    const long = '577h';
    const day = 24 * 3_600_000;
    expect(parseConfig({ shutdown: { drain: '576h' } }).shutdown.drain).toBe(24 * day);
    expect(problemsOf({ shutdown: { drain: long, grace: 2 ** 31 }, initialTimeout: long })).toEqual([
      'initialTimeout: at most 24 days, which is 576h',
      'shutdown.grace: at most 24 days, which is 576h',
      'shutdown.drain: at most 24 days, which is 576h',
    ]);
    expect(parseConfig({ maxStale: '8760h' }).maxStale).toBe(365 * day);
    expect(parseConfig({ shutdown: { grace: 0 } }).shutdown.grace).toBe(0);
  });

  test('tells all that is wrong at once', () => {
    expect(problemsOf({ mode: 'watch', initialTimeout: '10 minutes' })).toEqual([
      expect.stringMatching(/^mode: /),
      expect.stringMatching(/^initialTimeout: .*250ms or 10s/),
    ]);
  });
});
