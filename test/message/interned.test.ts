import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { asciiAt, internalized } from '../../src/message/interned.js';

function read(text: string): string | undefined {
  const bytes = Buffer.from(text);
  return asciiAt(Buffer.concat([Buffer.from('?'), bytes, Buffer.from('?')]), 1, bytes.length);
}

describe('interned strings', () => {
  test('are what their bytes say, whatever was read before', () => {
    const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 200 });
    fc.assert(
      fc.property(fc.array(ascii, { maxLength: 50 }), (texts) => {
        for (const text of [...texts, ...texts]) expect(read(text)).toBe(text);
      }),
    );
  });

  test('are told apart where they differ in one byte only, at any place', () => {
    const base = 'org.apache.dubbo.samples.basic.api.DemoService';
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < base.length; i++) {
        const text = `${base.slice(0, i)}_${base.slice(i + 1)}`;
        expect(read(text)).toBe(text);
      }
    }
  });

  test('bytes that are no ASCII are left to others', () => {
    expect(read('naïve')).toBeUndefined();
    expect(read(`${'x'.repeat(200)}é`)).toBeUndefined();
  });

  test('internalized, a text is still itself, and nothing of it is kept', () => {
    for (const text of [
      '',
      'x',
      '__proto__ and more',
      '12345678901234567890',
      'constructor.constructor',
      'naïve '.repeat(9),
    ]) {
      expect(internalized(text)).toBe(text);
      expect(internalized(`a ${text} b`.slice(2, -2))).toBe(text);
    }
    fc.assert(fc.property(fc.string({ minLength: 13 }), (text) => expect(internalized(text)).toBe(text)));
  });
});
