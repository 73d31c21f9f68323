import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { diffEndpoints, type EndpointRule, sameContent } from '../../src/rules/index.js';
import { finish } from '../../src/runtime/index.js';
import { endpoint } from './rules.js';

const list = fc.uniqueArray(
  fc.record({ address: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), weight: fc.integer({ min: 1, max: 2 }) }),
  { selector: ({ address }) => address, maxLength: 6 },
);

test('before, less what was removed, with what was added, is after', () => {
  fc.assert(
    fc.property(list, list, (from, to) => {
      const before = from.map(({ address, weight }) => endpoint(address, { weight }));
      const after = to.map(({ address, weight }) => endpoint(address, { weight }));
      const { added, removed, changedFrom, changedTo } = finish(diffEndpoints(before, after));
      const patched = before.filter((e) => !removed.includes(e) && !changedFrom.includes(e)).concat(added, changedTo);
      const sorted = (endpoints: readonly EndpointRule[]) =>
        [...endpoints].sort((a, b) => a.address.localeCompare(b.address));
      expect(sorted(patched)).toEqual(sorted(after));
      expect(changedFrom.map(({ address }) => address)).toEqual(changedTo.map(({ address }) => address));
      for (const [i, e] of changedTo.entries()) expect(sameContent(changedFrom[i], e)).toBe(false);
      for (const e of added) expect(before.some(({ address }) => address === e.address)).toBe(false);
    }),
  );
});

test('another order is no change', () => {
  const before = ['a', 'b', 'c'].map((address) => endpoint(address));
  expect(finish(diffEndpoints(before, before.toReversed()))).toEqual({
    added: [],
    removed: [],
    changedFrom: [],
    changedTo: [],
  });
});
