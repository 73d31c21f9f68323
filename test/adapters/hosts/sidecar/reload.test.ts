import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { unlessGivenUp } from '../../../../adapters/hosts/sidecar/reload.js';

test('work that is given up before it is waited for may fail without a word', async () => {
  const unheard: unknown[] = [];
  const listener = (reason: unknown) => unheard.push(reason);
  process.on('unhandledRejection', listener);
  const source = new EventTarget();
  const fails = once(source, 'end').then(() => Promise.reject(new Error('later')));
  const over = AbortSignal.abort(new Error('the sidecar ends'));
  await expect(unlessGivenUp(over, fails)).rejects.toThrow('the sidecar ends');
  source.dispatchEvent(new Event('end'));
  await new Promise((resolve) => setTimeout(resolve, 0));
  await new Promise(setImmediate);
  process.off('unhandledRejection', listener);
  expect(unheard).toEqual([]);
});

test('the reason to give up comes before work that goes on', async () => {
  const giveUp = new AbortController();
  const waits = unlessGivenUp(giveUp.signal, new Promise(() => {}));
  giveUp.abort(new Error('too late'));
  await expect(waits).rejects.toThrow('too late');
  expect(await unlessGivenUp(new AbortController().signal, Promise.resolve(7))).toBe(7);
});
