import { expect, test } from '@jest/globals';
import { addPairKeys, encodedPair, findPairs, pairValue } from '../../src/message/index.js';

test('keys are those that have a value: of pairs of one key the last counts, in any letter case', () => {
  const binary = encodedPair(9, 'bin', 'x');
  binary[binary.length - 1] = 0xff;
  const frame = Buffer.concat([
    ...[encodedPair(9, 'User', 'a'), encodedPair(9, 'bin', 'text'), encodedPair(9, 'user', 'b')],
    ...[binary, encodedPair(9, 'z', ''), encodedPair(8, 'other', 'c')],
  ]);
  const pairs = findPairs(frame, 0, frame.length, 9);
  const keys = new Set(['own']);
  addPairKeys(frame, pairs, keys);
  expect([...keys]).toEqual(['own', 'User', 'user', 'z']);
  expect([...keys].map((key) => pairValue(frame, pairs, key.toLowerCase()))).toEqual([undefined, 'b', 'b', '']);
});
