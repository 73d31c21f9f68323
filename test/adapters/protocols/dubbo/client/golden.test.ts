import { describe, expect, test } from '@jest/globals';
import { DubboException, DubboFrameworkError } from '../../../../../adapters/protocols/dubbo/client/errors.js';
import { replyValue } from '../../../../../adapters/protocols/dubbo/client/reply.js';
import { RequestEncoder } from '../../../../../adapters/protocols/dubbo/client/request.js';
import { ValueReader } from '../../../../../adapters/protocols/dubbo/client/value-reader.js';
import { Message } from '../../../../../src/message/index.js';
import { asInput, asOutput, type Entry, recorded, typesOf } from './recorded.js';

/** The client's requests against those of real Java consumers, its reading against what real providers answered. */
const FILES = ['2.7.23', '3.3.6'].flatMap((line) =>
  ['values', 'objects', 'styles', 'attachments', 'failures'].map((part) => `apache-dubbo-${line}-${part}`),
);

describe.each(FILES)('%s', (file) => {
  const entries = recorded(file).filter((entry) => entry.request !== null);

  test.each(entries.map((entry) => [entry.name, entry] as const))('%s: the same request', (_, entry) => {
    const own = encode(entry);
    const theirs = Buffer.from(entry.request.base64, 'base64');
    const end = entry.request.offsets.attachments;
    expect(own.length).toBe(theirs.length);
    expect(withoutId(own.subarray(0, end)).toString('latin1')).toBe(
      withoutId(theirs.subarray(0, end)).toString('latin1'),
    );
    expect(new ValueReader(own.subarray(end)).read()).toEqual(entry.request.body.attachments);
  });

  const answered = entries.filter((entry) => entry.response !== null);
  test.each(answered.map((entry) => [entry.name, entry] as const))('%s: the same answer', (_, entry) => {
    const { base64, body, header } = entry.response!;
    const answer = () => replyValue(message(Buffer.from(base64, 'base64')));
    if (header.status !== 20) {
      expect(answer).toThrow(DubboFrameworkError);
      expect(caught(answer)).toMatchObject({ status: header.status, text: body.error });
    } else if (body.exception !== undefined) {
      const fields = new Map(body.exception.fields);
      expect(answer).toThrow(DubboException);
      expect(caught(answer)).toMatchObject({
        className: body.exception.object,
        message: fields.get('detailMessage') ?? '',
      });
    } else {
      expect(answer()).toEqual(asOutput(body.value ?? null, entry.call.result));
    }
  });
});

function encode(entry: Entry): Buffer {
  const { body, base64 } = entry.request;
  const {
    path,
    interface: _,
    version,
    group,
    timeout,
    return: __,
    'remote.application': application,
    ...own
  } = body.attachments;
  const encoder = new RequestEncoder({
    interface: body.path,
    version: version === '0.0.0' ? undefined : version,
    group,
    application,
    dubboVersion: body.dubbo,
  });
  return encoder.encode({
    method: body.method,
    args: body.arguments.map((argument) => asInput(argument, entry.call.result)),
    types: typesOf(body.parameterTypes),
    attachments: own,
    timeoutMs: timeout === undefined ? undefined : Number(timeout),
    oneway: (Buffer.from(base64, 'base64')[2]! & 0x40) === 0,
  });
}

function withoutId(frame: Buffer): Buffer {
  return Buffer.concat([frame.subarray(0, 4), frame.subarray(12)]);
}

function message(frame: Buffer): Message {
  return new Message('response', [frame], { operation: () => '', get: () => undefined, keys: () => [] });
}

function caught(what: () => unknown): unknown {
  try {
    return what();
  } catch (error) {
    return error;
  }
}
