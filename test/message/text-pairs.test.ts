import { expect, test } from '@jest/globals';
import { addPairKeys, encodedPair, FieldReader, findPairs, pairValue } from '../../src/message/index.js';

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

test('a group inside a pair, which receivers step over, hides the pair from nobody', () => {
  const inner = Buffer.from('0a0475736572 7b 0801 7b7c 7c 1204726f6f74'.replaceAll(' ', ''), 'hex');
  const frame = Buffer.concat([Buffer.of(0x4a, inner.length), inner]);
  const pairs = findPairs(frame, 0, frame.length, 9);
  expect(pairValue(frame, pairs, 'user')).toBe('root');
});

test.each([
  ['is not closed', '7b0801'],
  ['is closed under another number', '7b74'],
  ['runs over the end', '7b0a7f7c'],
  ['was never opened', '7c'],
  ['nests without end', '7b'.repeat(200) + '7c'.repeat(200)],
])('a group that %s is no protobuf', (_, hex) => {
  const bytes = Buffer.from(hex, 'hex');
  const reader = new FieldReader().open(bytes, 0, bytes.length);
  expect([reader.next(), reader.malformed]).toEqual([false, true]);
});
