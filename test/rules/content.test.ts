import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ContentHash, sameContent } from '../../src/rules/content.js';
import { FROM } from '../routing/rules.js';
import { service } from './rules.js';

const leaf = fc.oneof(
  fc.constantFrom('', '1', 'a', 0, 1, 1n, true, false, null, undefined, Number.NaN),
  fc.string({ maxLength: 2 }),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'from', '__proto__'), tie('any'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).any;

/** The same content by other objects, with the keys in another order. */
function shuffled(of: unknown): unknown {
  if (Array.isArray(of)) return of.map(shuffled);
  if (typeof of !== 'object' || of === null) return of;
  return Object.fromEntries(
    Object.entries(of)
      .reverse()
      .map(([key, inner]) => [key, shuffled(inner)]),
  );
}

function hash(of: unknown): string {
  const { high, low } = new ContentHash().of(of);
  return `${high} ${low}`;
}

/** An independent canonical form. */
function canonical(of: unknown): string {
  if (Array.isArray(of)) return `[${of.map(canonical)}]`;
  if (typeof of !== 'object' || of === null) return `${typeof of} ${JSON.stringify(String(of))}`;
  const entries = Object.entries(of).filter(
    ([key, v]) => v !== undefined && !(key === 'from' && typeof v === 'object'),
  );
  return `{${entries.map(([key, v]) => `${JSON.stringify(key)}:${canonical(v)}`).sort()}}`;
}

describe('content', () => {
  test('is the same whatever the order of keys', () => {
    fc.assert(
      fc.property(value, (of) => {
        expect(sameContent(of, shuffled(of))).toBe(true);
        expect(hash(of)).toBe(hash(shuffled(of)));
      }),
    );
  });

  test('is the same if and only if its canonical form is', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(sameContent(a, b)).toBe(canonical(a) === canonical(b));
        expect(hash(a) === hash(b)).toBe(sameContent(a, b));
      }),
      { numRuns: 3000 },
    );
  });

  test('leaves out where a rule was written, but not a label called from', () => {
    const here = service('a');
    expect(sameContent(here, { ...here, from: { ...FROM, origin: 'elsewhere:9' } })).toBe(true);
    expect(sameContent({ labels: { from: 'x' } }, { labels: { from: 'y' } })).toBe(false);
    expect(sameContent({ labels: { from: 'x' } }, { labels: {} })).toBe(false);
  });
});
