import type { Bytes, Message, Rejection } from '../../../src/message/index.js';
import { intField, mapField, textField } from './fields.js';
import { headOf, LENGTH_BYTES, REQUEST, RESPONSE } from './head.js';
import { textAt } from './pairs.js';
import { RESULT_CODE, RESULT_DESC } from './reader.js';
import { retFor } from './ret-codes.js';

const MAX_TEXT = 1000;

/** An empty body: a list of no bytes. */
const emptyBody = (tag: number) => Buffer.from([(tag << 4) | 13, 0x00, 0x0c]);

/**
 * The reply that refuses a request, with id and version of it. All of the tags 1 to 7 are there, empty or not: without
 * `status` TarsGo waits for its timeout and a Node client ends with an exception of its socket.
 */
export function rejectFrame(request: Message, failure: Rejection): Bytes | undefined {
  const head = headOf(request);
  if (head === undefined || head.isReply || request.kind !== 'request') return undefined;
  return [errorReply(request, retFor(failure.code), failure.message)];
}

/** @param of - the request, or a reply of TUP, whose id and names it has */
export function errorReply(of: Message, ret: number, reason: string): Buffer {
  const head = headOf(of)!;
  const text = `meltemi: ${reason}`.slice(0, MAX_TEXT);
  const first = of.bytes[0]!;
  if (!head.isTup) {
    return packet([
      ...[intField(1, head.version), intField(2, 0), intField(RESPONSE.ID, head.id)],
      ...[intField(RESPONSE.MESSAGE_TYPE, head.messageType), intField(RESPONSE.RET, ret), emptyBody(RESPONSE.BODY)],
      ...[mapField(RESPONSE.STATUS, []), textField(RESPONSE.DESC, text)],
    ]);
  }
  const status = [RESULT_CODE, String(ret), RESULT_DESC, text].map((each, i) => textField(i % 2, each));
  return packet([
    ...[intField(1, head.version), intField(2, 0), intField(REQUEST.MESSAGE_TYPE, head.messageType)],
    intField(REQUEST.ID, head.id),
    textField(REQUEST.SERVANT, textAt(first, head.servantAt, head.servantLength)),
    textField(REQUEST.FUNC, textAt(first, head.funcAt, head.funcLength)),
    ...[emptyBody(REQUEST.BODY), intField(REQUEST.TIMEOUT, 0), mapField(REQUEST.CONTEXT, [])],
    mapField(REQUEST.STATUS, status),
  ]);
}

function packet(fields: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(LENGTH_BYTES), ...fields]);
  bytes.writeUInt32BE(bytes.length, 0);
  return bytes;
}
