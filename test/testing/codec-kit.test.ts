import { describe, expect, test } from '@jest/globals';
import { dubbo } from '../../adapters/protocols/dubbo/index.js';
import {
  type ByteQueue,
  type Codec,
  Message,
  Mutation,
  type Protocol,
  ProtocolError,
} from '../../src/message/index.js';
import { codecKit } from '../../src/testing/index.js';
import { exchangeOf, goldenEntries } from '../adapters/protocols/dubbo/golden.js';

const exchanges = goldenEntries('apache-dubbo-2.7.23-attachments.json').slice(0, 3).map(exchangeOf);

/** Names of the checks that a codec with this fault fails. */
function failing(fault: Partial<Protocol>, codecFault: (codec: Codec) => Partial<Codec> = () => ({})): string[] {
  const open: Protocol['open'] = (side, options) => {
    const codec = dubbo.open(side, options);
    const bound: Codec = {
      decode: (input) => codec.decode(input),
      encode: (...args) => codec.encode(...args),
      reject: (...args) => codec.reject(...args),
      answer: (event) => codec.answer!(event),
    };
    return { ...bound, ...codecFault(codec) };
  };
  const protocol: Protocol = { ...dubbo, open, ...fault };
  const failed: string[] = [];
  for (const check of codecKit({ protocol, exchanges, runs: 200, mutation: new Mutation().set('k', 'v') })) {
    try {
      check.run();
    } catch (error) {
      failed.push(`${check.name.replace('dubbo codec ', '')}: ${(error as Error).message}`);
    }
  }
  return failed;
}

/** A request with one byte at the end of its body changed. */
function tampered(message: Message): Message {
  const bytes = Buffer.concat(message.bytes);
  bytes[bytes.length - 2]! ^= 1;
  return new Message(
    message.kind,
    [bytes],
    (message as unknown as { reader: never }).reader,
    message.idHigh,
    message.idLow,
    message.tag,
  );
}

describe('the codec kit', () => {
  test('has nothing against a sound codec', () => {
    expect(failing({})).toEqual([]);
  });

  test.each<[string, string, (codec: Codec) => Partial<Codec>]>([
    [
      'waits for ever when a header is cut',
      'split at every byte',
      (codec) => ({ decode: once((input) => codec.decode(input)) }),
    ],
    [
      'makes messages of nothing',
      'each sample as one message',
      (codec) => ({ decode: (input) => codec.decode(copyOf(input)) }),
    ],
    [
      'takes messages over the limit',
      'over the maximum size',
      () => ({ decode: (input) => dubbo.open('upstream').decode(input) }),
    ],
    [
      'throws something else at noise',
      'answers noise',
      (codec) => ({ decode: translated((input) => codec.decode(input)) }),
    ],
    [
      'changes bytes',
      'byte for byte',
      (codec) => ({ encode: (message, id, mutation) => codec.encode(tampered(message), id, mutation) }),
    ],
    ['writes into the message', 'replaces ids', (codec) => ({ encode: inPlace(codec) })],
    [
      'ignores ids',
      'replaces ids',
      (codec) => ({ encode: (message, _, mutation) => codec.encode(message, undefined, mutation) }),
    ],
    ['ignores mutations', 'mutates', (codec) => ({ encode: (message, id) => codec.encode(message, id) })],
    ['refuses in silence', 'reports a failure', () => ({ reject: () => undefined })],
    ['refuses with the request itself', 'reports a failure', () => ({ reject: (request) => request.bytes })],
    ['leaves heartbeats unanswered', 'heartbeats', () => ({ answer: () => undefined })],
  ])('finds a codec that %s', (_, check, fault) => {
    const failed = failing({}, fault);
    expect(failed.filter((it) => it.includes(check))).not.toEqual([]);
  });

  test('finds replies that count as answers though they refuse', () => {
    expect(failing({ classify: () => 'ok' }).join()).toContain('the refusal counts as an answer');
  });
});

/** Decodes only if all bytes were there the first time. */
function once(decode: Codec['decode']): Codec['decode'] {
  let waited = false;
  return (input) => {
    const message = waited ? null : decode(input);
    waited ||= message === null && input.length > 0;
    return message;
  };
}

function copyOf(input: ByteQueue): ByteQueue {
  const copy = Object.create(input) as ByteQueue;
  return Object.defineProperties(copy, {
    length: { value: input.length },
    at: { value: (at: number) => input.at(at) },
    take: { value: (n: number) => [Buffer.from(input.peek(n)!)] },
  });
}

function translated(decode: Codec['decode']): Codec['decode'] {
  return (input) => {
    try {
      return decode(input);
    } catch (error) {
      throw error instanceof ProtocolError ? new TypeError('oops') : error;
    }
  };
}

function inPlace(codec: Codec): Codec['encode'] {
  return (message, id, mutation) => {
    if (id !== undefined) message.bytes[0]!.writeInt32BE(id.idLow, 8);
    return codec.encode(message, id, mutation);
  };
}
