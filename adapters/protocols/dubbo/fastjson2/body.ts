/**
 * A Dubbo body in fastjson2's JSONB (serialization 23): the same values as in Hessian, each with its length in four
 * bytes before it. So arguments are jumped over, whatever their size.
 */
import { HEADER_BYTES, REPLY_KIND, readInt32 } from '../header.js';
import { MALFORMED } from '../malformed.js';
import { type BodyFormat, countArguments, MAX_ATTACHMENTS, NO_ATTACHMENTS } from '../view.js';
import { JsonbScanner, NULL, OBJECT, OBJECT_END, TYPED } from './scanner.js';

const scanner = new JsonbScanner();
export const LENGTH_BYTES = 4;

export const fastjson2Body: BodyFormat = {
  readHead(frame, view) {
    let at = after(frame, HEADER_BYTES);
    const path = part(frame, at).string();
    at = after(frame, at);
    const version = part(frame, at).string();
    at = after(frame, at);
    const method = part(frame, at).string();
    scanner.finish();
    view.path = path;
    view.version = version;
    view.method = method;
    view.typesAt = after(frame, at);
  },

  readAttachments(frame, view, isRequest) {
    const at = isRequest ? requestAttachments(frame, view.typesAt) : replyAttachments(frame);
    if (at === frame.length) {
      view.attachments = NO_ATTACHMENTS;
      view.attachmentsAt = at;
      return;
    }
    part(frame, at);
    view.attachments = readIndex();
    scanner.finish();
    view.attachmentsAt = at + LENGTH_BYTES;
  },

  stringAt(frame, at) {
    scanner.begin(frame, at);
    const text = scanner.isString() ? scanner.string() : undefined;
    scanner.finish();
    return text;
  },

  keyIs(frame, at, lowerKey) {
    return fastjson2Body.stringAt(frame, at)?.toLowerCase() === lowerKey;
  },

  mayHold(frame, key) {
    return frame.includes(key);
  },

  protocolVersion(frame) {
    return part(frame, HEADER_BYTES).string();
  },
};

/** The kind of a reply with status 20; -1 if the body does not begin with one. */
export function fastjson2ReplyKind(frame: Buffer): number {
  const length = frame.length > HEADER_BYTES + LENGTH_BYTES ? readInt32(frame, HEADER_BYTES) : 0;
  if (length !== 1 && length !== 2) return -1;
  // As a tag of its own, or behind that of a byte.
  const kind = frame[HEADER_BYTES + LENGTH_BYTES + length - 1]!;
  return kind <= 5 ? kind : -1;
}

/** Where the part that begins at `at`, with its length, ends. */
function after(frame: Buffer, at: number): number {
  if (at + LENGTH_BYTES > frame.length) throw MALFORMED;
  const length = readInt32(frame, at);
  const end = at + LENGTH_BYTES + length;
  if (length < 0 || end > frame.length) throw MALFORMED;
  return end;
}

/** The scanner, at the value of the part that begins at `at`. */
function part(frame: Buffer, at: number): JsonbScanner {
  return scanner.begin(frame, at + LENGTH_BYTES, after(frame, at));
}

/** How many arguments the request's parameter types announce; -1 if that cannot be read. */
export function argumentsOf(frame: Buffer, typesAt: number): number {
  try {
    return countArguments(part(frame, typesAt).string() ?? '');
  } catch (error) {
    if (error !== MALFORMED) throw error;
    return -1;
  }
}

function requestAttachments(frame: Buffer, typesAt: number): number {
  if (typesAt === 0) throw MALFORMED;
  const count = argumentsOf(frame, typesAt);
  if (count < 0) throw MALFORMED;
  let at = after(frame, typesAt);
  for (let i = 0; i < count; i++) at = after(frame, at);
  return at;
}

function replyAttachments(frame: Buffer): number {
  const kind = fastjson2ReplyKind(frame);
  if (kind < REPLY_KIND.WITH_ATTACHMENTS) return frame.length;
  const value = after(frame, HEADER_BYTES);
  return kind - REPLY_KIND.WITH_ATTACHMENTS === REPLY_KIND.NULL ? value : after(frame, value);
}

function readIndex(): readonly number[] {
  if (scanner.peek() === NULL || scanner.peek() === -1) return NO_ATTACHMENTS;
  if (scanner.peek() === TYPED) {
    scanner.at++;
    if (scanner.isString()) scanner.skip();
    scanner.int();
  }
  if (scanner.peek() !== OBJECT) throw MALFORMED;
  scanner.at++;
  const index: number[] = [];
  while (scanner.peek() !== OBJECT_END) {
    index.push(scanner.at);
    scanner.skip();
    index.push(scanner.at);
    scanner.skip();
    if (index.length > 2 * MAX_ATTACHMENTS) throw MALFORMED;
  }
  index.push(scanner.at);
  return index;
}
