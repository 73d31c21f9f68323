import { expect, test } from '@jest/globals';
import { type CallHandle, type Failure, NO_DEADLINE } from '../../src/call/index.js';
import { Hold } from '../../src/mesh/hold.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { message } from '../connection/support/frame-protocol.js';

const HANDLE: CallHandle = { cancel() {} };

function scene() {
  const hold = new Hold(new ManualRuntime().timers);
  const refused: Failure[] = [];
  const add = (begin: () => CallHandle, size = 1) =>
    hold.add(message('request', 'x'.repeat(size)), NO_DEADLINE, begin, (failure) => refused.push(failure));
  return { hold, refused, add };
}

test('a call begins once, also where the one before it has all released again as it begins', () => {
  const { hold, add } = scene();
  const begun: string[] = [];
  add(() => {
    begun.push('a');
    hold.release();
    return HANDLE;
  });
  add(() => {
    begun.push('b');
    return HANDLE;
  });
  hold.release();
  expect(begun).toEqual(['a', 'b']);
});

test('a call that is cancelled as it begins is cancelled, and leaves no room that it did not take', () => {
  const { hold, refused, add } = scene();
  const cancelled: string[] = [];
  const half = 8 * 1024 * 1024;
  for (let i = 0; i < 4; i++) {
    const handle: CallHandle = add(() => {
      handle.cancel();
      return { cancel: () => cancelled.push(`${i}`) };
    }, half - 1000);
  }
  hold.release();
  expect(cancelled).toEqual(['0', '1']);
  for (let i = 0; i < 3; i++) add(() => HANDLE, half - 1000);
  expect(refused.map(({ code }) => code)).toEqual(['NO_RULES', 'NO_RULES', 'NO_RULES']);
});
