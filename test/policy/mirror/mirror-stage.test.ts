import { expect, jest, test } from '@jest/globals';
import type { PlanScope } from '../../../src/policy/index.js';
import { mirrorStage } from '../../../src/policy/mirror/index.js';
import type { MirrorRule } from '../../../src/rules/index.js';
import { FakePass, scope } from '../support.js';

function setUp(mirrors: MirrorRule[]) {
  const mirror = jest.fn<PlanScope['mirror']>();
  return { gate: mirrorStage.bind(scope({ route: { mirrors }, mirror }))!, mirror };
}

test('no mirrors, none that ever draw, or inbound: no stage', () => {
  const mirrors = [{ cluster: 'm', perMillion: 1_000_000 }];
  expect(mirrorStage.bind(scope())).toBeUndefined();
  expect(mirrorStage.bind(scope({ route: { mirrors: [{ cluster: 'm', perMillion: 0 }] } }))).toBeUndefined();
  expect(mirrorStage.bind(scope({ direction: 'inbound', route: { mirrors } }))).toBeUndefined();
});

test('once a call, whatever number of passes it makes', () => {
  const { gate, mirror } = setUp([{ cluster: 'm', perMillion: 1_000_000 }]);
  const pass = new FakePass();
  expect(gate.before(pass)).toBeUndefined();
  gate.before(new FakePass(pass.call));
  expect(mirror.mock.calls).toEqual([[pass.call, 'm']]);
});

test('a call that drew none does not draw again', () => {
  const { gate, mirror } = setUp([{ cluster: 'm', perMillion: 500_000 }]);
  const pass = new FakePass();
  for (let i = 0; i < 50; i++) gate.before(new FakePass(pass.call));
  expect(mirror.mock.calls.length).toBeLessThan(2);
});

test('each mirror draws for itself, in its share', () => {
  const { gate, mirror } = setUp([
    { cluster: 'all', perMillion: 1_000_000 },
    { cluster: 'fifth', perMillion: 200_000 },
    { cluster: 'half', perMillion: 500_000 },
  ]);
  for (let i = 0; i < 10_000; i++) gate.before(new FakePass());
  const count = (cluster: string) => mirror.mock.calls.filter((it) => it[1] === cluster).length;
  expect(count('all')).toBe(10_000);
  // Four standard deviations of the binomial; the manual runtime's chance is seeded.
  expect(Math.abs(count('fifth') - 2000)).toBeLessThan(160);
  expect(Math.abs(count('half') - 5000)).toBeLessThan(200);
});

test('a mirror that cannot even be started is not felt', () => {
  const { gate, mirror } = setUp([
    { cluster: 'broken', perMillion: 1_000_000 },
    { cluster: 'm', perMillion: 1_000_000 },
  ]);
  mirror.mockImplementationOnce(() => {
    throw new Error('a bug elsewhere');
  });
  expect(gate.before(new FakePass())).toBeUndefined();
  expect(mirror).toHaveBeenCalledTimes(2);
});
