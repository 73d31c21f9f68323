import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { trpc } from '../../../../adapters/protocols/trpc/index.js';
import { type Message, Mutation } from '../../../../src/message/index.js';
import { decoded, replyOf, requestOf } from './golden.js';

interface Field {
  readonly number: number;
  readonly wireType: number;
  readonly bytes: Buffer;
}

/** The fields of a header, by another reader than ours. */
function fieldsOf(bytes: Uint8Array): Field[] {
  const reader = new BinaryReader(bytes);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    reader.skip(wireType, number);
    fields.push({ number, wireType, bytes: Buffer.from(bytes.subarray(start, reader.pos)) });
  }
  return fields;
}

function header(frame: Buffer): Buffer {
  return frame.subarray(16, 16 + frame.readUInt16BE(8));
}

function bodyOf(frame: Buffer): Buffer {
  return frame.subarray(16 + frame.readUInt16BE(8));
}

function frameOf(fields: Uint8Array, body: Buffer, streamId = 0, version = 0): Buffer {
  const fixed = Buffer.alloc(16);
  fixed.writeUInt16BE(0x0930, 0);
  fixed.writeUInt32BE(16 + fields.length + body.length, 4);
  fixed.writeUInt16BE(fields.length, 8);
  fixed.writeUInt32BE(streamId, 10);
  fixed[14] = version;
  return Buffer.concat([fixed, fields, body]);
}

function pair(key: string, value: string | Buffer): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(key)
    .tag(2, WireType.LengthDelimited)
    .bytes(bytes)
    .finish();
}

function sent(message: Message, mutation?: Mutation, id = { idHigh: 0, idLow: 7 }): Buffer {
  return Buffer.concat(trpc.open('upstream').encode(message, id, mutation));
}

/** Fields in any order, known ones among them; the request id at most once. */
const headers = fc
  .array(
    fc.oneof(
      fc.record({ number: fc.constantFrom(1, 2, 4, 8, 10, 11, 12, 77), value: fc.nat(2 ** 31 - 1) }),
      fc.record({ number: fc.constantFrom(5, 6, 7, 33, 9999), text: fc.string({ unit: 'grapheme', maxLength: 20 }) }),
      fc.record({ key: fc.constantFrom('a', 'A', 'b', 'ключ', ''), text: fc.string({ maxLength: 20 }) }),
    ),
    { maxLength: 12 },
  )
  .chain((fields) => fc.tuple(fc.constant(fields), fc.integer({ min: -1, max: fields.length }), fc.nat(2 ** 32 - 1)))
  .map(([fields, idAt, id]) => {
    const writer = new BinaryWriter();
    const writeId = (at: number) => at === idAt && writer.tag(3, WireType.Varint).uint32(id);
    fields.forEach((field, at) => {
      writeId(at);
      if ('value' in field) writer.tag(field.number, WireType.Varint).uint32(field.value);
      else if ('key' in field) writer.tag(9, WireType.LengthDelimited).bytes(pair(field.key, field.text));
      else writer.tag(field.number, WireType.LengthDelimited).string(field.text);
    });
    writeId(fields.length);
    return { bytes: writer.finish(), id: idAt < 0 ? 0 : id };
  });

describe('editing a tRPC header', () => {
  test('another id changes the id and nothing else, wherever it stands', () => {
    fc.assert(
      fc.property(headers, fc.nat(2 ** 31 - 1), fc.uint8Array({ maxLength: 2000 }), ({ bytes, id }, other, body) => {
        const frame = frameOf(bytes, Buffer.from(body), 5, 1);
        const message = decoded(frame);
        expect([message.idHigh, message.idLow]).toEqual([5, id]);
        const out = sent(message, undefined, { idHigh: 0, idLow: other });
        const arrived = decoded(out);
        expect([arrived.idHigh, arrived.idLow]).toEqual([0, other]);
        const rest = (it: Buffer) => fieldsOf(header(it)).filter((field) => field.number !== 3);
        expect(rest(out)).toEqual(rest(frame));
        expect(bodyOf(out).equals(Buffer.from(body))).toBe(true);
        expect(out[14]).toBe(1);
      }),
    );
  });

  test('pairs are set and deleted; unknown fields, other pairs, order and body stay', () => {
    const mutation = new Mutation().set('A', 'new').delete('ключ').set('\0timeout', '1500');
    fc.assert(
      fc.property(headers, fc.uint8Array({ maxLength: 2000 }), ({ bytes }, body) => {
        const frame = frameOf(bytes, Buffer.from(body));
        const out = sent(decoded(frame), mutation);
        const arrived = decoded(out);
        expect([arrived.get('a'), arrived.get('ключ'), trpc.deadline!(arrived)]).toEqual(['new', undefined, 1500]);
        expect(arrived.idLow).toBe(7);
        const keyOf = (field: Field) => {
          const reader = new BinaryReader(field.bytes);
          reader.tag();
          const entry = new BinaryReader(reader.bytes());
          entry.tag();
          return entry.string();
        };
        const gone = ['a', 'A', 'ключ'];
        const kept = (it: Buffer) =>
          fieldsOf(header(it)).filter(
            (field) => ![3, 4].includes(field.number) && !(field.number === 9 && gone.includes(keyOf(field))),
          );
        expect(kept(out)).toEqual(kept(frame));
        const set = fieldsOf(header(out))
          .filter((field) => field.number === 9)
          .at(-1)!;
        expect(set.bytes.subarray(2)).toEqual(Buffer.from(pair('A', 'new')));
        expect(bodyOf(out).equals(Buffer.from(body))).toBe(true);
      }),
    );
  });

  test('a value that is no text is no attribute, stays, and can be replaced', () => {
    const message = requestOf('go-metadata');
    expect(message.get('bin')).toBeUndefined();
    expect([...message.keys()]).not.toContain('bin');
    expect(sent(message, new Mutation().set('k', 'v')).includes(Buffer.from('00ff800a', 'hex'))).toBe(true);
    const replaced = sent(message, new Mutation().set('bin', 'text'));
    expect(replaced.includes(Buffer.from('00ff800a', 'hex'))).toBe(false);
    expect(decoded(replaced).get('bin')).toBe('text');
  });

  test('the last of a pair that comes twice counts, as in every map', () => {
    const writer = new BinaryWriter();
    for (const value of ['first', 'last']) writer.tag(9, WireType.LengthDelimited).bytes(pair('key', value));
    expect(decoded(frameOf(writer.finish(), Buffer.alloc(0))).get('KEY')).toBe('last');
  });

  test('a header full of pairs is read, and its index not kept', () => {
    const writer = new BinaryWriter();
    for (let i = 0; i < 4000; i++) writer.tag(9, WireType.LengthDelimited).bytes(pair(`k${i}`, `${i}`));
    const message = decoded(frameOf(writer.finish(), Buffer.alloc(0)));
    const values = ['K3999', 'k0', 'k4000', 'k'].map((key) => message.get(key));
    expect(values).toEqual(['3999', '0', undefined, undefined]);
    expect((message.view as { pairs: unknown }).pairs).toBeUndefined();
    expect(decoded(sent(message, new Mutation().set('k7', 'new'))).get('k7')).toBe('new');
  });

  test("the header's own fields win over pairs of their names, which stay", () => {
    const message = requestOf('go-unary');
    const arrived = decoded(sent(message, new Mutation().set('callee', 'other')));
    expect(arrived.get('callee')).toBe(message.get('callee'));
  });

  test('a header that would not fit its 16 bits is refused in words', () => {
    const mutation = new Mutation().set('big', 'x'.repeat(66_000));
    for (const message of [requestOf('go-unary'), replyOf('go-unary')]) {
      expect(() => sent(message, mutation)).toThrow(/the tRPC header would have 66\d\d\d bytes/);
    }
  });

  test('large frames keep their body uncopied', () => {
    const body = Buffer.alloc(120_000, 7);
    const bytes = frameOf(header(Buffer.concat(requestOf('go-unary').bytes)), body);
    const message = decoded(bytes);
    for (const mutation of [undefined, new Mutation().set('k', 'v')]) {
      const [, rest, ...more] = trpc.open('upstream').encode(message, { idHigh: 0, idLow: 1_000_000 }, mutation);
      expect([rest!.buffer === message.bytes[0]!.buffer, rest!.length, more]).toEqual([true, 120_000, []]);
    }
  });

  test("a stream's INIT is mutated inside its meta, and refused where there is none", () => {
    const init = requestOf('go-stream-metadata');
    const arrived = decoded(sent(init, new Mutation().set('x', 'y'.repeat(300)).delete('user-id')));
    expect([arrived.get('x'), arrived.get('user-id')]).toEqual(['y'.repeat(300), undefined]);
    expect([arrived.kind, arrived.idLow, arrived.operation]).toEqual(['stream-open', 7, init.operation]);
    const bare = decoded(Buffer.from('0930010100000010000000000064 0000'.replace(' ', ''), 'hex'));
    expect(() => sent(bare, new Mutation().set('x', 'y'))).toThrow('an INIT frame without request meta');
  });
});
