import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Mutation } from '../../src/message/index.js';

const entries = (mutation: Mutation | undefined) => [...(mutation?.entries() ?? [])];

describe('a key in another case is the same key', () => {
  test('what is deleted is not sent, however it was spelt when it was set', () => {
    const mutation = new Mutation().set('Tenant', 'a').delete('tenant');
    expect(mutation.lookup('tenant')).toBeNull();
    expect(entries(mutation).filter(([, value]) => value !== undefined)).toEqual([]);
  });

  test('what is set twice is sent once, as it was spelt last', () => {
    expect(entries(new Mutation().set('Tenant', 'a').set('tenant', 'b'))).toEqual([['tenant', 'b']]);
  });

  test('what is set after it was deleted is both: whatever the message has of it goes', () => {
    const mutation = new Mutation().delete('Tenant').set('tenant', 'b');
    expect(mutation.lookup('tenant')).toBe('b');
    expect(entries(mutation)).toEqual([
      ['Tenant', undefined],
      ['tenant', 'b'],
    ]);
    expect(entries(mutation.set('tenant', 'c'))).toEqual([
      ['Tenant', undefined],
      ['tenant', 'c'],
    ]);
  });

  test('and so in merging, where the upper wins', () => {
    const under = Mutation.of([
      ['Tenant', 'a'],
      ['other', '1'],
    ]);
    expect(entries(Mutation.merge(under, new Mutation().delete('TENANT')))).toEqual([
      ['other', '1'],
      ['TENANT', undefined],
    ]);
    expect(entries(under)).toHaveLength(2);
  });
});

test('what is looked up is what was done last; what is sent agrees with it', () => {
  const key = fc.constantFrom('a', 'A', 'b', 'B', 'ab');
  const step = fc.record({ key, value: fc.option(fc.constantFrom('1', '2'), { nil: undefined }), split: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      let mutation: Mutation | undefined = new Mutation();
      const last = new Map<string, string | null>();
      for (const { key, value, split } of steps) {
        last.set(key.toLowerCase(), value ?? null);
        if (split) mutation = Mutation.merge(mutation, Mutation.of([[key, value]]));
        else if (value === undefined) mutation!.delete(key);
        else mutation!.set(key, value);
      }
      for (const lower of ['a', 'b', 'ab']) {
        expect(mutation!.lookup(lower)).toBe(last.get(lower));
        const sent = entries(mutation).filter(([it, value]) => it.toLowerCase() === lower && value !== undefined);
        expect(sent.map(([, value]) => value)).toEqual(last.get(lower) ? [last.get(lower)] : []);
      }
    }),
  );
});
