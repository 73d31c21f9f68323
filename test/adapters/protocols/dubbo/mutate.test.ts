import { describe, expect, test } from '@jest/globals';
import { dubbo } from '../../../../adapters/protocols/dubbo/index.js';
import { byteLength, type Message, Mutation } from '../../../../src/message/index.js';
import { bytesOf, decoded, entry, type GoldenFrame, goldenEntries, goldenFiles } from './golden.js';
import { oracleReply, oracleRequest } from './hessian-oracle.js';

const codec = dubbo.open('upstream');

function mutated(message: Message, mutation: Mutation): Buffer {
  return Buffer.concat(codec.encode(message, undefined, mutation));
}

/** A request whose body ends in these bytes instead of attachments. */
function requestEnding(ending: string | Buffer, types = '', argument = ''): Buffer {
  const text = (it: string) => Buffer.concat([Buffer.of(it.length), Buffer.from(it)]);
  const body = Buffer.concat([
    ...['2.0.2', 'my.Service', '0.0.0', 'hello', types].map(text),
    Buffer.from(argument, 'latin1'),
    Buffer.from(ending as string, 'latin1'),
  ]);
  const header = Buffer.from('dabbc200000000000000000100000000', 'hex');
  header.writeInt32BE(body.length, 12);
  return Buffer.concat([header, body]);
}

function recorded(pick: (file: string) => (GoldenFrame | null | undefined)[]): { name: string; bytes: Buffer }[] {
  return goldenFiles.flatMap((file) =>
    pick(file)
      .filter((frame) => frame != null)
      .filter(({ header }) => header.serialization === 2 && !header.event && (header.request || header.status === 20))
      .map((frame, i) => ({ name: `${file} ${i}`, bytes: bytesOf(frame) })),
  );
}

const requests = recorded((file) => goldenEntries(file).map((it) => it.request)).filter(
  ({ name }) => !name.startsWith('streams'),
);
const replies = recorded((file) => goldenEntries(file).map((it) => it.response));

describe('setting and deleting attachments', () => {
  test('leaves every recorded request readable by hessian.js, its arguments untouched', () => {
    const mutation = new Mutation()
      .set('x-new', '新 😀')
      .set('path', 'replaced')
      .delete('Remote.Application')
      .delete('none');
    expect(requests.length).toBeGreaterThan(200);
    for (const { name, bytes } of requests) {
      const before = oracleRequest(bytes);
      const { 'remote.application': _, ...kept } = before.attachments as Record<string, unknown>;
      const sent = mutated(decoded(bytes), mutation);
      expect({ name, ...oracleRequest(sent) }).toEqual({
        name,
        head: before.head,
        values: before.values,
        attachments: { ...kept, path: 'replaced', 'x-new': '新 😀' },
      });
      expect(sent.readInt32BE(12)).toBe(sent.length - 16);
    }
  });

  test('leaves every recorded reply readable by hessian.js, with attachments', () => {
    expect(replies.length).toBeGreaterThan(200);
    for (const { name, bytes } of replies) {
      const before = oracleReply(bytes);
      const sent = mutated(decoded(bytes, 'upstream'), new Mutation().set('x-new', 'a').delete('dubbo'));
      const { dubbo: _, ...kept } = (before.attachments ?? {}) as Record<string, unknown>;
      expect({ name, ...oracleReply(sent) }).toEqual({
        name,
        head: [((before.head[0] as number) % 3) + 3],
        values: before.values,
        attachments: { ...kept, 'x-new': 'a' },
      });
    }
  });

  test('of a large frame only the end is written anew, wherever chunks were cut', () => {
    const large = requests.filter(({ bytes }) => bytes.length > 100_000);
    expect(large.length).toBeGreaterThan(0);
    for (const { bytes } of large) {
      for (const cuts of [[], [65_536], [7, 65_536], [bytes.length - 1], [16, 700, bytes.length - 3]]) {
        const message = decoded(bytes, 'downstream', cuts);
        const segments = message.bytes.length;
        const sent = codec.encode(message, { idHigh: -1, idLow: 7 }, new Mutation().set('path', 'replaced'));
        expect(message.bytes).toHaveLength(segments);
        const fresh = sent.filter((it) => !message.bytes.some((segment) => segment.buffer === it.buffer));
        expect(byteLength(fresh)).toBeLessThanOrEqual(16 + 5 + 9);
        const arrived = decoded(Buffer.concat(sent));
        expect([arrived.idHigh, arrived.idLow, arrived.get('path')]).toEqual([-1, 7, 'replaced']);
      }
    }
  });

  test('an entry that is set anew is replaced in a small frame, not repeated', () => {
    const { bytes } = requests[0]!;
    const once = mutated(decoded(bytes), new Mutation().set('x', '1'));
    const twice = mutated(decoded(once), new Mutation().set('x', '2'));
    expect(twice.length).toBe(once.length);
    expect(decoded(twice).get('x')).toBe('2');
  });

  test('keys that differ in case are different entries, of which the later is looked up', () => {
    const message = decoded(requestEnding('H\x01X\x01a\x01x\x01aZ'));
    const sent = decoded(mutated(message, new Mutation().set('X', 'b')));
    expect([...sent.keys()].filter((key) => key.toLowerCase() === 'x')).toEqual(['x', 'X']);
    expect(sent.get('x')).toBe('b');
    expect([...decoded(mutated(message, new Mutation().delete('x'))).keys()]).toEqual([
      'interface',
      'method',
      'version',
    ]);
  });

  test.each([
    ['null', 'N', 'H\x01a\x01bZ'],
    ['missing', '', 'H\x01a\x01bZ'],
    ['an empty map', 'HZ', 'H\x01a\x01bZ'],
    ['a typed map', 'M\x03x.Y\x01k\x01vZ', 'M\x03x.Y\x01k\x01v\x01a\x01bZ'],
    ['a map of a type met before', 'M\x90\x01k\x01vZ', 'M\x90\x01k\x01v\x01a\x01bZ'],
  ])('sets an attribute where attachments are %s', (_, ending, expected) => {
    expect(mutated(decoded(requestEnding(ending)), new Mutation().set('a', 'b'))).toEqual(requestEnding(expected));
  });

  test.each([
    ['null', 'N'],
    ['missing', ''],
    ['a map', 'H\x01k\x01vZ'],
  ])('deletes nothing where attachments are %s', (_, ending) => {
    const bytes = requestEnding(ending);
    expect(mutated(decoded(bytes), new Mutation().delete('a'))).toEqual(bytes);
  });

  test.each([
    ['a string', '\x01s'],
    ['a long string', `0\x28${'s'.repeat(40)}`],
    ['null', 'N'],
    ['true', 'T'],
    ['an int', '\x91'],
    ['a long', '\xe1'],
    ['a double', '\x5c'],
    ['a date', 'J\0\0\0\0\0\0\0\0'],
    ['bytes', '\x22\x01\x02'],
  ])('cuts out an entry whose value is %s', (_, value) => {
    const message = decoded(requestEnding(`H\x01k${value}\x01l\x01mZ`));
    expect(mutated(message, new Mutation().delete('K'))).toEqual(requestEnding('H\x01l\x01mZ'));
  });

  test.each([
    ['a list', 'W\x01aZ'],
    ['a map', 'HZ'],
    ['an object', 'C\x01c\x91\x01f\x60\x91'],
    ['a reference', 'Q\x90'],
  ])('overrides by null an entry whose value is %s, since later values may count it', (_, value) => {
    const message = decoded(requestEnding(`H\x01k${value}\x01l\x01mZ`));
    expect(message.get('l')).toBe('m');
    expect(mutated(message, new Mutation().delete('K').set('x', 'y'))).toEqual(
      requestEnding(`H\x01k${value}\x01l\x01m\x01kN\x01x\x01yZ`),
    );
  });

  test('attachments behind classes that were defined in an argument are found', () => {
    const bytes = requestEnding('H\x01o\x60\x91\x91\x01k\x01vZ', 'Lx.Y;', 'C\x03x.Y\x92\x01a\x01b\x60\x91\x92');
    const message = decoded(bytes);
    expect(message.get('k')).toBe('v');
    expect(decoded(mutated(message, new Mutation().delete('k').set('z', '1'))).get('z')).toBe('1');
  });

  test('says why it cannot be done', () => {
    const garbled = decoded(requestEnding('H\x01k\x01vZ', 'I', '\x45'));
    expect(() => mutated(garbled, new Mutation().delete('k'))).toThrow('no Hessian 2 with attachments at its end');
    const java = Buffer.from(requestEnding('HZ'));
    java[2] = 0xc3;
    expect(() => mutated(decoded(java), new Mutation().set('k', 'v'))).toThrow('Dubbo serialization 3');
  });

  test('errors of the framework, events and unknown replies stay as they are', () => {
    const mutation = new Mutation().set('k', 'v');
    const unknown = entry('apache-dubbo-3.3.6-failures.json', 'unknown-service').response!;
    const event = goldenEntries('events-3.3.6.json')[0]!.frames![0]!;
    const java = bytesOf(goldenEntries('apache-dubbo-3.3.6-styles.json')[0]!.response!);
    java[2] = 0x03;
    for (const bytes of [bytesOf(unknown), bytesOf(event), java])
      expect(mutated(decoded(bytes), mutation)).toEqual(bytes);
  });

  test('a string of any length is written as hessian.js reads it', () => {
    for (const value of [
      '',
      'a'.repeat(31),
      'a'.repeat(32),
      'é'.repeat(1023),
      '微'.repeat(1024),
      'a'.repeat(32_768),
      '😀'.repeat(40_000),
      `a${'😀'.repeat(40_000)}`,
    ]) {
      const sent = mutated(decoded(requestEnding('N')), new Mutation().set('k', value));
      expect((oracleRequest(sent).attachments as Record<string, string>).k === value).toBe(true);
      expect(decoded(sent).get('k') === value).toBe(true);
    }
  });
});
