import { expect, test } from '@jest/globals';
import { nearest } from '../../../adapters/node/nearest.js';

const NAMES = ['dubbo', 'thrift', 'tars'];

test.each([
  ['dubo', 'dubbo'],
  ['dubbbo', 'dubbo'],
  ['trift', 'thrift'],
  ['thirft', 'thrift'],
  ['tar', 'tars'],
])('%s is nearly %s', (written, meant) => {
  expect(nearest(written, NAMES)).toBe(meant);
});

test.each(['', 'mine', 'redis', 'brpc', 'ta', 'constructor'])("'%s' is none of them", (written) => {
  expect(nearest(written, NAMES)).toBeUndefined();
});
