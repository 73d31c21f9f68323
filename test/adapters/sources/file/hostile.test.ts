import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { re2 } from '../../../../adapters/engines/re2.js';
import { readRules } from '../../../../adapters/sources/file/index.js';
import { validateRules } from '../../../../src/routing/index.js';

const root = new URL('../../../../', import.meta.url);
const texts = [
  ...readdirSync(new URL('test/golden/metards/', root)).flatMap((name) =>
    name.includes('.') || name === 'large-mesh' ? [] : [`test/golden/metards/${name}/input.yaml`],
  ),
  ...['dubbo', 'dubbo-app-level'].flatMap((folder) =>
    readdirSync(new URL(`examples/rules/${folder}/`, root)).map((name) => `examples/rules/${folder}/${name}`),
  ),
].map((path) => readFileSync(new URL(path, root), 'utf8'));
const objects = texts.flatMap((text) => text.split(/^---$/m).map((each): unknown => parse(each))).filter(Boolean);

/** Puts a value of another kind somewhere into an object, or takes something away. */
const spoil = (object: unknown, at: readonly number[], value: unknown): unknown => {
  if (typeof object !== 'object' || object === null || at.length === 0) return value;
  const keys = Object.keys(object);
  const key = keys[at[0]! % Math.max(keys.length, 1)];
  if (key === undefined) return value;
  const copy = structuredClone(object) as Record<string, unknown>;
  copy[key] = spoil(copy[key], at.slice(1), value);
  return copy;
};

const junk = fc.oneof(
  fc.constantFrom(null, true, '', 0, -1, 1e99, '*', [], {}, [null], { '': {} }, 'a.b', '1s', 70_000, {
    a: { exact: 'x' },
  }),
  fc.string(),
  fc.jsonValue({ maxDepth: 3 }),
);

test('spoilt objects are answered with problems that have a place, and never with an exception', () => {
  const spoilt = fc
    .tuple(fc.constantFrom(...objects), fc.array(fc.nat(12), { minLength: 2, maxLength: 10 }), junk)
    .map(([object, at, value]) => spoil(object, at, value));
  fc.assert(
    fc.property(fc.array(spoilt, { minLength: 1, maxLength: 4 }), fc.constantFrom(...texts), (some, text) => {
      const rules = readRules(
        new Map([['a.yaml', `${text}\n---\n${some.map((each) => stringify(each)).join('\n---\n')}`]]),
      );
      for (const { line, column, message } of rules.problems) {
        expect(line >= 1 && column >= 1 && message.length > 0).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

test('whatever is taken is accepted by the mesh', () => {
  const engines = { regex: re2, hash: { hash: () => 0n }, breaker: true, pacing: true };
  const beside = ['services', 'workloads', 'destinationrule'].map((name) =>
    readFileSync(new URL(`examples/rules/dubbo/${name}.yaml`, root), 'utf8'),
  );
  let taken = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...objects),
      fc.array(fc.nat(12), { minLength: 3, maxLength: 10 }),
      junk,
      (object, at, value) => {
        const rules = readRules(
          new Map([['a.yaml', [...beside, stringify(spoil(object, at, value))].join('\n---\n')]]),
        );
        if (!rules.usable) return;
        taken++;
        const found = validateRules([...rules.services, ...rules.clusters, ...rules.endpoints], engines);
        expect(found.map((each) => each.message)).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
  expect(taken).toBeGreaterThan(30);
});
