import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DubboException, DubboFrameworkError } from '../../../../../adapters/protocols/dubbo/client/errors.js';
import { javaType } from '../../../../../adapters/protocols/dubbo/client/java-type.js';
import { replyValue } from '../../../../../adapters/protocols/dubbo/client/reply.js';
import { javaClassOf } from '../../../../../adapters/protocols/dubbo/client/value-reader.js';
import { ValueWriter } from '../../../../../adapters/protocols/dubbo/client/value-writer.js';
import { Failure } from '../../../../../src/call/index.js';
import { Message } from '../../../../../src/message/index.js';
import { recorded } from './recorded.js';

const HESSIAN2 = 2;

function reply(body: Buffer, status = 20, serialization = HESSIAN2): Message {
  const head = Buffer.alloc(16);
  head.set([0xda, 0xbb, serialization, status]);
  head.writeInt32BE(body.length, 12);
  // In two segments: a large reply comes in the chunks it was read in.
  return new Message('response', [head, body], { operation: () => '', get: () => undefined, keys: () => [] });
}

/** A body of this kind and value. */
function body(kind: number, ...values: unknown[]): Buffer {
  const writer = new ValueWriter();
  writer.begin(Buffer.from([0x90 + kind]));
  for (const value of values) writer.write(value, javaType('java.lang.Object'));
  return writer.end();
}

function caught(message: Message): unknown {
  try {
    return replyValue(message);
  } catch (error) {
    return error;
  }
}

describe('values', () => {
  test('with and without attachments', () => {
    expect(replyValue(reply(body(1, 'x')))).toBe('x');
    expect(replyValue(reply(body(4, 'x', { dubbo: '2.0.2' })))).toBe('x');
    expect(replyValue(reply(body(2)))).toBeNull();
    expect(replyValue(reply(body(5, { dubbo: '2.0.2' })))).toBeNull();
  });

  test('sofa-rpc-node leaves out the kind before null', () => {
    expect(replyValue(reply(Buffer.from('N')))).toBeNull();
  });

  test('a long beyond 2^53 is a bigint, a smaller one a number', () => {
    expect(replyValue(reply(body(1, [2n ** 53n, 2 ** 53 - 1, -(2n ** 63n)])))).toEqual([
      2n ** 53n,
      2 ** 53 - 1,
      -(2n ** 63n),
    ]);
  });

  test('a map with other keys than strings is a Map, also where it is referred to', () => {
    const map = new Map<unknown, unknown>([
      ['a', 1],
      [7, 'seven'],
    ]);
    const [first, second] = replyValue(reply(body(1, [map, map]))) as unknown[];
    expect(first).toEqual(map);
    expect(second).toBe(first);
  });

  test('hostile names are properties like any other', () => {
    const fields = JSON.parse('{"__proto__":{"polluted":true},"$class":"x","constructor":1}') as Record<
      string,
      unknown
    >;
    const read = replyValue(reply(body(1, new Map(Object.entries(fields))))) as Record<string, unknown>;
    expect(Object.keys(read)).toEqual(['__proto__', '$class', 'constructor']);
    expect((read as { polluted?: boolean }).polluted).toBeUndefined();
    const object = replyValue(reply(body(1, { $class: 'a.P', $: fields })));
    expect(Object.keys(object as object)).toEqual(['__proto__', '$class', 'constructor']);
  });
});

describe('exceptions', () => {
  const thrown = (fields: Record<string, unknown>, $class = 'a.Oops') => ({ $class, $: fields });

  test('keep their own class and message even where Node libraries show the cause', () => {
    const cause = thrown({ detailMessage: 'the cause' }, 'java.io.IOException');
    const error = caught(reply(body(0, thrown({ detailMessage: null, cause, code: 42 })))) as DubboException;
    expect(error).toBeInstanceOf(DubboException);
    expect(error).toMatchObject({ className: 'a.Oops', message: '', fields: { code: 42 } });
    expect(error.cause).toMatchObject({ className: 'java.io.IOException', message: 'the cause' });
  });

  test('a throwable is its own cause unless it has one', () => {
    const own: { $class: string; $: Record<string, unknown> } = thrown({ detailMessage: 'x' });
    own.$.cause = own;
    expect((caught(reply(body(3, own, {}))) as DubboException).cause).toBeUndefined();
  });

  test('a circle of causes ends', () => {
    const a = thrown({ detailMessage: 'a' });
    const b = thrown({ detailMessage: 'b', cause: a });
    (a.$ as Record<string, unknown>).cause = b;
    let depth = 0;
    for (let error: unknown = caught(reply(body(0, a))); error instanceof DubboException; error = error.cause) depth++;
    expect(depth).toBe(17);
  });

  test('frames read as Java prints them', () => {
    const frame = { declaringClass: 'a.B', methodName: 'c', fileName: 'B.java', lineNumber: 7 };
    const stackTrace = [frame, { ...frame, lineNumber: -2 }, { ...frame, fileName: null, lineNumber: -1 }];
    expect(caught(reply(body(0, thrown({ detailMessage: 'x', stackTrace }))))).toMatchObject({
      javaStack: ['at a.B.c(B.java:7)', 'at a.B.c(Native Method)', 'at a.B.c(Unknown Source)'],
    });
  });

  test('a generic one has the class and message of what was thrown', () => {
    const fields = { exceptionClass: 'a.Real', exceptionMessage: 'really', detailMessage: null };
    const generic = thrown(fields, 'org.apache.dubbo.rpc.service.GenericException');
    expect(caught(reply(body(0, generic)))).toMatchObject({ className: 'a.Real', message: 'really' });
  });

  test('fields that should be text and are not do no harm', () => {
    const odd = new Map(Object.entries({ toString: 1 }));
    const stackTrace = [null, 7, { declaringClass: odd, methodName: odd, fileName: odd, lineNumber: 'x' }];
    expect(caught(reply(body(0, thrown({ detailMessage: odd, stackTrace }))))).toMatchObject({
      message: '',
      javaStack: ['at .(Unknown Source)', 'at .(Unknown Source)', 'at .(Unknown Source)'],
    });
  });

  test('what is no throwable is told as it is', () => {
    expect(caught(reply(body(0, 'just text')))).toMatchObject({
      className: 'java.lang.Throwable',
      message: 'just text',
    });
  });
});

describe('other statuses', () => {
  test('have their text, which not every peer writes as Hessian', () => {
    const text = body(1, 'first line\n\tat somewhere').subarray(1);
    const error = caught(reply(text, 70));
    expect(error).toBeInstanceOf(DubboFrameworkError);
    expect(error).toMatchObject({ message: '70 SERVICE_ERROR: first line', text: 'first line\n\tat somewhere' });
    expect(caught(reply(Buffer.from('plain words'), 100))).toMatchObject({ status: 100, text: 'plain words' });
    expect(caught(reply(Buffer.alloc(0), 99))).toMatchObject({ message: '99 unknown status: ' });
  });
});

describe('bytes that are no reply are BAD_REPLY', () => {
  const cases: [string, Message, string][] = [
    ['another serialization', reply(body(1, 'x'), 20, 23), 'serialization 23'],
    ['no body', reply(Buffer.alloc(0)), 'cannot be read'],
    ['an unknown kind', reply(body(9)), 'unknown kind 9'],
    ['cut inside', reply(body(1, 'longer text').subarray(0, 5)), 'cannot be read'],
    ['a cut number', reply(Buffer.from([0x91, 0xc8])), 'ends inside'],
    ['a class that was not defined', reply(Buffer.from([0x91, 0x63])), 'undefined class 3'],
    ['nesting without end', reply(Buffer.concat([Buffer.from([0x91]), Buffer.alloc(1 << 20, 0x79)])), 'cannot be read'],
    ['two billion items', reply(Buffer.from([0x91, 0x58, 0x49, 0x7f, 0xff, 0xff, 0xff, 0x90])), 'cannot be read'],
  ];
  test.each(cases)('%s', (_, message, reason) => {
    const error = caught(message);
    expect(error).toMatchObject({ code: 'BAD_REPLY', sent: 'yes' });
    expect((error as Failure).message).toContain(reason);
  });

  test('whatever is done to recorded replies, nothing else is thrown', () => {
    const frames = recorded('apache-dubbo-2.7.23-objects')
      .concat(recorded('apache-dubbo-2.7.23-failures'))
      .flatMap((entry) => (entry.response === null ? [] : [Buffer.from(entry.response.base64, 'base64')]));
    const edits = fc.array(fc.tuple(fc.nat(4000), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...frames), edits, fc.nat(4000), (frame, changes, cut) => {
        const bytes = Buffer.from(frame.subarray(16, 16 + cut));
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        const result = caught(reply(bytes));
        const known = !(result instanceof Error) || result instanceof DubboException || result instanceof Failure;
        expect(known).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

test('an object of Java tells its class', () => {
  const object = replyValue(reply(body(1, { $class: 'a.P', $: { x: 1 } })));
  expect(javaClassOf(object)).toBe('a.P');
  expect(JSON.stringify(object)).toBe('{"x":1}');
});
