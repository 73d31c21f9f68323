import { type Bytes, type Message, type Rejection, varintLength, writeVarint } from '../../../src/message/index.js';
import { APPLICATION_ERROR, applicationError } from './application-error.js';
import { headBytes, serviceBytes } from './name.js';
import { seqLength, writePrefix, writeSeq } from './rewrite.js';
import type { View } from './view.js';
import {
  ENCODING,
  encodingOf,
  HEADER,
  hasHeader,
  hasInnerFrame,
  readInt32,
  TRANSPORT,
  TYPE,
  transportOf,
  writeInt32,
} from './wire.js';

/**
 * What a caller is told for each failure code; anything else is an internal error. All clients raise a TApplicationException
 * of this type with our text.
 */
const TYPE_BY_CODE = new Map<string, number>([
  ['NO_SERVICE', APPLICATION_ERROR.UNKNOWN_METHOD],
  ['NO_ROUTE', APPLICATION_ERROR.UNKNOWN_METHOD],
  ['NO_CLUSTER', APPLICATION_ERROR.UNKNOWN_METHOD],
  ['BAD_REQUEST', APPLICATION_ERROR.PROTOCOL_ERROR],
  ['ENCODE_FAILED', APPLICATION_ERROR.PROTOCOL_ERROR],
  ['BAD_REPLY', APPLICATION_ERROR.PROTOCOL_ERROR],
  ['REPLY_TOO_LARGE', APPLICATION_ERROR.PROTOCOL_ERROR],
]);

const MAX_TEXT = 1000;

export function typeFor(code: string): number {
  return TYPE_BY_CODE.get(code) ?? APPLICATION_ERROR.INTERNAL_ERROR;
}

export function rejectFrame(request: Message, failure: Rejection): Bytes | undefined {
  if (request.kind !== 'request') return undefined;
  return exceptionFrame(headBytes(request), request.tag, request.view as View, failure, request.bytes[0]!);
}

/**
 * An exception in answer to a message, which everything that a client compares is echoed from: transport, encoding, seq, and the
 * method's name without its service. npm's client waits for ever for a reply with another seq or name. It is not zlib'd;
 * no client minds.
 * @param head - where the message's name is; `view` tells the place
 * @param frame - where its header is
 */
export function exceptionFrame(head: Buffer, tag: number, view: View, failure: Rejection, frame: Buffer): Bytes {
  const encoding = encodingOf(tag);
  const service = serviceBytes(head, view);
  const name = head.subarray(view.nameAt + service, view.nameAt + view.nameLength);
  const body = applicationError(encoding, `meltemi: ${failure.message}`.slice(0, MAX_TEXT), typeFor(failure.code));
  const before = prefixBytes(tag);
  const length = before + headLength(encoding, name.length, view.seq) + body.length;
  const reply = Buffer.alloc(length);
  if (hasHeader(tag)) writeHeader(reply, tag, frame);
  writePrefix(reply, tag, length, before, view.seqInHeader ? view.seq : undefined);
  const at = writeHead(reply, before, encoding, name, view.seq);
  body.copy(reply, at);
  return [reply];
}

/** Of a header without pairs. */
const HEADER_BYTES = 4;

function prefixBytes(tag: number): number {
  if (transportOf(tag) === TRANSPORT.UNFRAMED) return 0;
  return hasHeader(tag) ? HEADER.START + HEADER_BYTES + (hasInnerFrame(tag) ? 4 : 0) : 4;
}

/** Magic, flags, seq, and the protocol, which is a byte in both kinds; no transforms, no pairs. */
function writeHeader(to: Buffer, tag: number, request: Buffer): void {
  request.copy(to, 4, 4, HEADER.FLAGS);
  writeInt32(to, HEADER.SEQ, readInt32(request, HEADER.SEQ));
  to[HEADER.WORDS + 1] = HEADER_BYTES / 4;
  to[HEADER.START] = encodingOf(tag) === ENCODING.COMPACT ? 2 : 0;
}

function headLength(encoding: number, name: number, seq: number): number {
  const rest = name + seqLength(encoding, seq);
  if (encoding === ENCODING.COMPACT) return 2 + varintLength(name) + rest;
  if (encoding === ENCODING.JSON) return '[1,"",3,,'.length + rest;
  return (encoding === ENCODING.STRICT ? 8 : 5) + rest;
}

/** @returns where it ends */
function writeHead(to: Buffer, from: number, encoding: number, name: Buffer, seq: number): number {
  let at = from;
  switch (encoding) {
    case ENCODING.STRICT:
      to[at] = 0x80;
      to[at + 1] = 0x01;
      to[at + 3] = TYPE.EXCEPTION;
      writeInt32(to, at + 4, name.length);
      at += 8 + name.copy(to, at + 8);
      return writeSeq(to, at, encoding, seq);
    case ENCODING.OLD:
      writeInt32(to, at, name.length);
      at += 4 + name.copy(to, at + 4);
      to[at] = TYPE.EXCEPTION;
      return writeSeq(to, at + 1, encoding, seq);
    case ENCODING.COMPACT:
      to[at] = 0x82;
      to[at + 1] = (TYPE.EXCEPTION << 5) | 1;
      at = writeSeq(to, at + 2, encoding, seq);
      at = writeVarint(to, at, name.length);
      return at + name.copy(to, at);
    default:
      at += to.write('[1,"', at, 'latin1');
      at += name.copy(to, at);
      at += to.write(`",${TYPE.EXCEPTION},`, at, 'latin1');
      at = writeSeq(to, at, encoding, seq);
      to[at] = 0x2c;
      return at + 1;
  }
}
