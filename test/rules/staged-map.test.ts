import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { StagedMap } from '../../src/rules/staged-map.js';
import { finish } from '../../src/runtime/index.js';

function shows(map: StagedMap<number>, expected: ReadonlyMap<string, number>): void {
  expect(new Map(map)).toEqual(expected);
  expect(map.size).toBe(expected.size);
  expect([...map.keys()].sort()).toEqual([...expected.keys()].sort());
  expect([...map.values()].sort()).toEqual([...expected.values()].sort());
  for (const key of ['a', 'b', 'c', 'd']) {
    expect(map.get(key)).toBe(expected.get(key));
    expect(map.has(key)).toBe(expected.has(key));
  }
  const visited = new Map<string, number>();
  map.forEach((value, key) => void visited.set(key, value));
  expect(visited).toEqual(expected);
}

test('shows what was before a change until it is committed, then all of it, also while it is settled', () => {
  const change = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.option(fc.nat(9), { nil: undefined })));
  fc.assert(
    fc.property(fc.array(fc.tuple(change, fc.boolean())), (changes) => {
      const map = new StagedMap<number>();
      let before = new Map<string, number>();
      for (const [sets, discarded] of changes) {
        const after = new Map(before);
        for (const [key, value] of sets) {
          map.set(key, value);
          if (value === undefined) after.delete(key);
          else after.set(key, value);
        }
        shows(map, before);
        for (const key of ['a', 'b', 'c', 'd']) expect(map.coming(key)).toBe(after.get(key));
        if (discarded) {
          map.discard();
          shows(map, before);
          for (const key of ['a', 'b', 'c', 'd']) expect(map.coming(key)).toBe(before.get(key));
          continue;
        }
        map.commit();
        shows(map, after);
        before = after;
        finish(map.settle());
        shows(map, after);
      }
    }),
  );
});

test('shows a large change in the middle of settling', () => {
  const map = new StagedMap<number>();
  for (let i = 0; i < 1000; i++) map.set(`${i}`, i);
  map.commit();
  finish(map.settle());
  for (let i = 0; i < 1000; i += 2) map.set(`${i}`, undefined);
  for (let i = 1; i < 1000; i += 2) map.set(`${i}`, -i);
  map.set('new', 1);
  map.commit();
  const work = map.settle();
  let steps = 0;
  do {
    expect(map.size).toBe(501);
    expect([...map.values()].every((value) => value < 0 || value === 1)).toBe(true);
    expect(map.get('0')).toBeUndefined();
    expect(map.get('999')).toBe(-999);
    steps++;
  } while (!work.next().done);
  expect(steps).toBeGreaterThan(10);
});

test('shows nothing early, also if the change before was never settled', () => {
  const map = new StagedMap<number>();
  map.set('a', 1);
  map.commit();
  map.set('a', 2);
  expect(map.get('a')).toBe(1);
  map.commit();
  expect(map.get('a')).toBe(2);
});
