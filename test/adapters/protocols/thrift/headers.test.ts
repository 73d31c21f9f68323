import { deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { thrift, thriftProtocol } from '../../../../adapters/protocols/thrift/index.js';
import { ByteQueue, type Message, Mutation, ProtocolError } from '../../../../src/message/index.js';
import { decoded, request } from './golden.js';
import { compact, framed, int16, strict, textField, theader, ttheader, varint } from './vectors.js';

function mutated(bytes: Buffer, ...entries: [string, string | undefined][]): Buffer {
  const message = decoded(bytes);
  return Buffer.concat(thrift.open('upstream').encode(message, message, Mutation.of(entries)));
}

describe('pairs of THeader', () => {
  const call = strict({ name: 'add', seq: 1 });
  const bytes = theader(call, {
    pairs: [
      ['X-User', 'alice'],
      ['tenant', 'red'],
    ],
  });

  test('set: behind the others, in the place of any of that key in any case', () => {
    expect(mutated(bytes, ['x-user', 'bob'], ['new', 'µ'])).toEqual(
      theader(call, {
        pairs: [
          ['tenant', 'red'],
          ['x-user', 'bob'],
          ['new', 'µ'],
        ],
      }),
    );
  });

  test('deleted: without a trace', () => {
    expect(mutated(bytes, ['X-USER', undefined])).toEqual(theader(call, { pairs: [['tenant', 'red']] }));
    expect(mutated(bytes, ['x-user', undefined], ['tenant', undefined])).toEqual(theader(call));
  });

  test('added to a header that has none, and under another id', () => {
    const message = decoded(theader(compact({ name: 'add', seq: 1 }), { protocol: 2 }));
    const sent = thrift.open('upstream').encode(message, { idHigh: 0, idLow: 300 }, Mutation.of([['k', '']]));
    expect(Buffer.concat(sent)).toEqual(
      theader(compact({ name: 'add', seq: 300 }), { seq: 300, protocol: 2, pairs: [['k', '']] }),
    );
  });

  test('the recorded ones', () => {
    const sent = mutated(request('go-header-binary-headers'), ['x-trace', undefined], ['added', 'yes']);
    const message = decoded(sent);
    expect([...message.keys()].map((key) => [key, message.get(key)])).toEqual([
      ['method', 'ping'],
      ['x-user', 'rené'],
      ['added', 'yes'],
    ]);
  });

  test('what changes nothing leaves the very bytes', () => {
    const message = decoded(bytes);
    for (const mutation of [Mutation.of([['other', undefined]]), Mutation.of([['method', 'x']]), new Mutation()]) {
      expect(thrift.open('upstream').encode(message, message, mutation)).toBe(message.bytes);
    }
  });

  test('where there is no header a mutation is not made', () => {
    expect(mutated(framed(call), ['a', 'b'])).toEqual(framed(call));
    expect(mutated(call, ['a', 'b'])).toEqual(call);
    expect(thrift.takesReplyMutation!(decoded(framed(call)))).toBe(false);
    expect(thrift.takesReplyMutation!(decoded(bytes))).toBe(true);
  });

  test('blocks of another kind stay as they are, behind', () => {
    const more = Buffer.from('7f0102030405060708', 'hex');
    const sent = mutated(theader(call, { pairs: [['a', 'b']], more }), ['c', 'd']);
    expect(sent.includes(more)).toBe(true);
    const message = decoded(sent);
    expect([message.get('a'), message.get('c')]).toEqual(['b', 'd']);
  });

  test('a header that breaks off has the pairs before that place, and takes none', () => {
    const more = Buffer.concat([
      Buffer.of(1),
      varint(2),
      varint(1),
      Buffer.from('k'),
      varint(1),
      Buffer.from('v'),
      varint(99),
    ]);
    const broken = theader(call, { more });
    expect(decoded(broken).get('k')).toBe('v');
    expect(() => mutated(broken, ['a', 'b'])).toThrow('it cannot be read to its end');
  });

  test('more than a header has room for is refused in words', () => {
    expect(() => mutated(bytes, ['a', 'b'.repeat(300_000)])).toThrow('the most is 262140');
  });

  test('are the same after any mutation that real ones are', () => {
    const text = fc.string({ maxLength: 20, unit: fc.constantFrom('a', 'B', 'é', '微', '-') });
    const pairs = fc.array(fc.tuple(text, text), { maxLength: 6 });
    const changes = fc.array(fc.tuple(text, fc.option(text, { nil: undefined })), { maxLength: 4 });
    fc.assert(
      fc.property(pairs, changes, fc.boolean(), (before, entries, kitex) => {
        const mutation = Mutation.of(entries);
        const make = kitex ? ttheader : theader;
        const message = decoded(make(call, { pairs: before }));
        const [sent] = [Buffer.concat(thrift.open('upstream').encode(message, message, mutation))];
        const kept = before.filter(([key]) => mutation.lookup(key) === undefined);
        const set = [...mutation.entries()].filter((it): it is [string, string] => it[1] !== undefined);
        expect(sent).toEqual(make(call, { pairs: [...kept, ...set] }));
      }),
      { numRuns: 100 },
    );
  });
});

describe("Kitex's TTHeader", () => {
  const call = strict({ name: 'ping', seq: 3 });
  const bytes = ttheader(call, {
    seq: 3,
    pairs: [['isn', 'Echo']],
    numbered: [
      [6, 'shop.echo'],
      [12, '250'],
      [4711, 'ours'],
    ],
  });

  test('numbered keys have the names of its sources, others their number', () => {
    const message = decoded(bytes);
    expect([...message.keys()]).toEqual(['method', 'service', 'isn', 'ToService', 'RPCTimeout', '4711']);
    expect(['toservice', '6', 'RPCTIMEOUT', '4711', '99'].map((key) => message.get(key))).toEqual([
      'shop.echo',
      'shop.echo',
      '250',
      'ours',
      undefined,
    ]);
    expect(message.operation).toBe('shop.echo/ping');
    expect(thrift.serviceKeys!(message)).toEqual(['shop.echo']);
  });

  test('set by name goes under its number', () => {
    expect(mutated(bytes, ['rpctimeout', '90'], ['LogID', 'l'], ['x', 'y'])).toEqual(
      ttheader(call, {
        seq: 3,
        pairs: [
          ['isn', 'Echo'],
          ['x', 'y'],
        ],
        numbered: [
          [6, 'shop.echo'],
          [4711, 'ours'],
          [12, '90'],
          [2, 'l'],
        ],
      }),
    );
  });

  test('a token stays, and so does a frame inside', () => {
    const inner = ttheader(framed(call), { seq: 3, token: 'secret', pairs: [['a', 'b']] });
    const message = decoded(mutated(inner, ['c', 'd']));
    expect(message.get('c')).toBe('d');
    const sent = Buffer.concat(message.bytes);
    expect(sent.includes(Buffer.concat([Buffer.of(0x11), int16(6), Buffer.from('secret')]))).toBe(true);
    expect(sent.subarray(-call.length - 4)).toEqual(framed(call));
    const renumbered = Buffer.concat(thrift.open('upstream').encode(message, { idHigh: 0, idLow: 9 }));
    expect(renumbered.subarray(-call.length - 4)).toEqual(framed(strict({ name: 'ping', seq: 9 })));
    expect(renumbered.readInt32BE(8)).toBe(9);
  });

  test('tells its deadline, and is told what is left of it', () => {
    const message = decoded(bytes);
    expect(thrift.deadline!(message)).toBe(250);
    const stamp = (remainingMs: number) => thrift.stamp!({ request: message, number: 1, remainingMs });
    expect(stamp(249.7)).toBeUndefined();
    expect(stamp(Number.POSITIVE_INFINITY)).toBeUndefined();
    expect([...stamp(100.9)!.entries()]).toEqual([['RPCTimeout', '100']]);
    expect(decoded(mutated(bytes, ...stamp(0.2)!.entries())).get('RPCTimeout')).toBe('1');
    const plain = decoded(framed(call));
    expect(thrift.deadline!(plain)).toBeUndefined();
    expect(thrift.stamp!({ request: plain, number: 1, remainingMs: 5 })).toBeUndefined();
    expect(thrift.deadline!(decoded(ttheader(call, { numbered: [[12, 'soon']] })))).toBeUndefined();
  });
});

describe('zlib', () => {
  const body = textField('binary', 1, 'zlib '.repeat(2000));
  const call = strict({ name: 'Echo:ping', seq: 7, body });
  const bytes = theader(call, { seq: 7, zlib: true, pairs: [['a', 'b']] });

  function messageOf(frame: Buffer): Buffer {
    return inflateSync(frame.subarray(14 + 4 * frame.readUint16BE(12)));
  }

  test('is read through', () => {
    const message = decoded(bytes);
    expect(message).toMatchObject({ kind: 'request', idLow: 7, operation: 'Echo/ping' });
    expect(message.get('a')).toBe('b');
  });

  test('goes on as it came, with another header too', () => {
    const message = decoded(bytes);
    expect(thrift.open('upstream').encode(message)).toBe(message.bytes);
    const sent = mutated(bytes, ['c', 'd']);
    const behind = (frame: Buffer) => frame.subarray(14 + 4 * frame.readUint16BE(12));
    expect(behind(sent)).toEqual(behind(bytes));
    expect(decoded(sent).get('c')).toBe('d');
  });

  test('is deflated anew under another id: still zlib', () => {
    const sent = Buffer.concat(thrift.open('upstream').encode(decoded(bytes), { idHigh: 0, idLow: 1 }));
    expect(sent.subarray(12, 17)).toEqual(bytes.subarray(12, 17));
    expect(messageOf(sent)).toEqual(strict({ name: 'Echo:ping', seq: 1, body }));
    expect([sent.readInt32BE(0), sent.readInt32BE(8)]).toEqual([sent.length - 4, 1]);
  });

  test('is bounded: little is inflated to read, and no more than a hundredfold to change', () => {
    const bomb = theader(Buffer.concat([call.subarray(0, -1), Buffer.alloc(4_000_000)]), { zlib: true });
    const message = decoded(bomb);
    expect(message.get('method')).toBe('ping');
    const encode = () => thrift.open('upstream').encode(message, { idHigh: 0, idLow: 1 });
    expect(encode).toThrow(/^a zlib'd message of \d{4} bytes has more than \d{6}, which is the limit for it$/);
    const codec = thrift.open('upstream', { maxMessageBytes: 5000 });
    expect(() => codec.encode(decoded(bytes), { idHigh: 0, idLow: 1 })).toThrow(
      'has more than 5000, which is the limit',
    );
  });

  test("a long name that hardly deflates is found, and one behind a bomb's beginning is not looked for", () => {
    let name = '';
    for (let i = 0, seed = 1; i < 3000; i++) {
      seed = (Math.imul(seed, 48271) >>> 0) % 0x7fffffff;
      name += String.fromCharCode(97 + (seed % 26));
    }
    const long = theader(strict({ name, body }), { zlib: true });
    expect(decoded(long).get('method')).toBe(name);
    const bomb = theader(strict({ name, body: Buffer.alloc(3_000_000) }), { zlib: true });
    expect(() => decoded(bomb)).toThrow("a Thrift message said to be zlib'd: ");
  });

  test('a reply over the size limit is told under its name', () => {
    const text = Array.from({ length: 3000 }, (_, i) => String(Math.imul(i, 2654435761))).join();
    const reply = theader(strict({ type: 2, seq: 7, body: textField('binary', 0, text) }), { seq: 7, zlib: true });
    const queue = new ByteQueue();
    queue.push(reply);
    const told = thrift.open('upstream', { maxMessageBytes: 4000 }).decode(queue)!;
    expect(told).toMatchObject({ kind: 'error', idLow: 7, status: '7', operation: 'ping' });
  });

  test('broken: behind the head it never goes out under the id that its caller chose; before, it is no Thrift', () => {
    const cut = Buffer.from(bytes.subarray(0, -6));
    cut.writeInt32BE(cut.length - 4);
    const encode = () => thrift.open('upstream').encode(decoded(cut), { idHigh: 0, idLow: 1 });
    expect(encode).toThrow("a zlib'd message that cannot be inflated to its end: ");
    const at = 14 + 4 * bytes.readUint16BE(12);
    const noise = Buffer.from(bytes).fill(0xee, at, at + 4);
    expect(() => decoded(noise)).toThrow(ProtocolError);
    expect(() => decoded(theader(deflateSync(Buffer.from('no Thrift')), { zlib: true }))).toThrow(ProtocolError);
  });

  test('other transforms are not read through', () => {
    const snappy = Buffer.from(bytes);
    snappy[16] = 3;
    expect(() => decoded(snappy)).toThrow('Thrift transforms 03: zlib (1) alone is supported');
  });

  test('holds of what it inflated little more than the head', () => {
    const message: Message = decoded(bytes);
    expect((message.view as { inflated: Buffer }).inflated.length).toBeLessThan(1200);
  });
});

test('a call is one-way if its method was said to be so, as Go does not say', () => {
  const protocol = thriftProtocol({ oneway: ['note', 'Log:write'] });
  const kindOf = (bytes: Buffer) => {
    const queue = new ByteQueue();
    queue.push(bytes);
    return protocol.open('downstream').decode(queue)!.kind;
  };
  expect(kindOf(request('go-framed-binary-oneway'))).toBe('oneway');
  expect(kindOf(request('go-unframed-binary-oneway'))).toBe('oneway');
  expect(kindOf(framed(strict({ name: 'Log:write' })))).toBe('oneway');
  expect(kindOf(framed(strict({ name: 'write' })))).toBe('request');
  expect(kindOf(framed(strict({ name: 'Other:note' })))).toBe('request');
  expect(decoded(request('go-framed-binary-oneway')).kind).toBe('request');
});

test('options: name, sharing, size', () => {
  const shared = thriftProtocol({ name: 'sharedthrift', sharing: 'multiplexed', maxMessageBytes: 30 });
  expect([shared.name, shared.sharing]).toEqual(['sharedthrift', 'multiplexed']);
  const queue = new ByteQueue();
  queue.push(framed(strict({ name: 'a-name-of-some-length' })));
  expect(() => shared.open('downstream').decode(queue)).toThrow('the limit is 30');
  expect([thrift.name, thrift.sharing]).toEqual(['thrift', 'exclusive']);
});
