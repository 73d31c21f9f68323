import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dubbo } from '../../../../adapters/protocols/dubbo/index.js';
import type { Message } from '../../../../src/message/index.js';
import { bytesOf, decoded, entry } from './golden.js';

const large = bytesOf(entry('apache-dubbo-2.7.23-values.json', 'string-120k').request!);

function attributesOf(message: Message): [string, string | undefined][] {
  return [...message.keys()].map((key) => [key, message.get(key)]);
}

/** A request whose path is longer than what is joined of a frame's head. */
function withPathOf(characters: number): Buffer {
  const text = (it: string) => Buffer.concat([Buffer.of(0x30 + (it.length >> 8), it.length & 0xff), Buffer.from(it)]);
  const body = Buffer.concat([
    ...['2.0.2', 'p'.repeat(characters), '1.0.0', 'hello', '[B'].map(text),
    Buffer.of(0x42, 0x40, 0x00),
    Buffer.alloc(0x4000),
    Buffer.from('H\x01k\x01vZ', 'latin1'),
  ]);
  const header = Buffer.from('dabbc200000000000000000100000000', 'hex');
  header.writeInt32BE(body.length, 12);
  return Buffer.concat([header, body]);
}

describe('a frame in several segments', () => {
  test('tells the same attributes and is sent as the same bytes, wherever it was cut', () => {
    const whole = decoded(large);
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: large.length - 1 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(cuts, (places) => {
        const sorted = places.sort((a, b) => a - b);
        const id = { idHigh: 3, idLow: 4 };
        const message = decoded(large, 'downstream', sorted);
        expect(message.get('method')).toBe('echoString');
        expect(message.bytes.length).toBeGreaterThan(1);
        const sent = Buffer.concat(dubbo.open('upstream').encode(message, id));
        expect(sent.equals(Buffer.concat(dubbo.open('upstream').encode(whole, id)))).toBe(true);
        expect(attributesOf(message)).toEqual(attributesOf(whole));
        expect(Buffer.concat(dubbo.open('upstream').encode(message)).equals(large)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('is read whole if its head is longer than what is joined', () => {
    const message = decoded(withPathOf(900), 'downstream', [100]);
    expect(message.get('method')).toBe('hello');
    expect(message.get('interface')).toHaveLength(900);
    expect(message.get('K')).toBe('v');
  });

  test('another id costs a fresh head, and the rest is what was read', () => {
    const message = decoded(large, 'downstream', [65_536]);
    const sent = dubbo.open('upstream').encode(message, { idHigh: -1, idLow: -2 });
    expect(sent[0]!.length).toBe(16);
    expect(sent.slice(1).every((piece) => message.bytes.some((it) => it.buffer === piece.buffer))).toBe(true);
    const arrived = decoded(Buffer.concat(sent));
    expect([arrived.idHigh, arrived.idLow]).toEqual([-1, -2]);
  });
});
