import { expect, test } from '@jest/globals';
import { ContentVersion } from '../../src/rules/version.js';
import { finish } from '../../src/runtime/index.js';

const ROUTES = Array.from({ length: 100 }, (_, i) => ({ name: `route ${i}` }));

/** By `settle`, in one go. */
function named(count: (version: ContentVersion) => void): string {
  const version = new ContentVersion();
  count(version);
  version.commit();
  finish(version.settle());
  return version.text;
}

const all = named((version) => version.countEach(1, 'a', ROUTES, true));

test('is the same whether things are counted together or one by one, and by order only where places count', () => {
  const oneByOne = named((version) => {
    for (const [i, route] of ROUTES.entries()) version.count(1, 'a', [i, route]);
  });
  expect(oneByOne).toBe(all);
  expect(named((version) => version.countEach(1, 'a', ROUTES.toReversed(), true))).not.toBe(all);
  const unplaced = named((version) => version.countEach(1, 'a', ROUTES));
  expect(unplaced).not.toBe(all);
  expect(named((version) => version.countEach(1, 'a', ROUTES.toReversed()))).toBe(unplaced);
});

test('is the same whenever it is asked for, also in the midst of being made', () => {
  for (let steps = 0; steps < 4; steps++) {
    for (const ahead of [true, false]) {
      const version = new ContentVersion();
      const before = version.text;
      version.countEach(1, 'a', ROUTES, true);
      if (ahead) finish(version.ahead());
      expect(version.text).toBe(before);
      version.commit();
      const settling = version.settle();
      for (let i = 0; i < steps; i++) settling.next();
      expect(version.text).toBe(all);
      finish(settling);
      expect(version.text).toBe(all);
    }
  }
});

test('what was discarded was never there, made or not; what went again leaves nothing', () => {
  const version = new ContentVersion();
  const before = version.text;
  for (const ahead of [true, false]) {
    version.countEach(1, 'a', ROUTES, true);
    if (ahead) finish(version.ahead());
    version.discard();
    version.commit();
    expect(version.text).toBe(before);
  }
  version.countEach(1, 'a', ROUTES, true);
  version.commit();
  version.countEach(-1, 'a', ROUTES, true);
  version.commit();
  expect(version.text).toBe(before);
});
