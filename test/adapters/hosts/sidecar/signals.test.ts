import { expect, test } from '@jest/globals';
import { Signals } from '../../../../adapters/hosts/sidecar/signals.js';

test('a SIGHUP that comes before anybody can reload is not lost', () => {
  const signals = new Signals();
  let reloads = 0;
  process.emit('SIGHUP');
  process.emit('SIGHUP');
  signals.onReload(() => reloads++);
  expect(reloads).toBe(1);
  process.emit('SIGHUP');
  expect(reloads).toBe(2);
  signals.close();
});

test('none came: none is made up', () => {
  const signals = new Signals();
  let reloads = 0;
  signals.onReload(() => reloads++);
  signals.close();
  expect(reloads).toBe(0);
});
