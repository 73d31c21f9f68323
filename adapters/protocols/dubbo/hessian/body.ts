/**
 * A Dubbo body in Hessian 2. Request: Dubbo's protocol version, path, version, method, parameter types, the arguments,
 * the attachments. Reply with status 20: a kind, the value or exception if the kind has one, attachments if it has those.
 */
import { HEADER_BYTES, REPLY_KIND } from '../header.js';
import { MALFORMED } from '../malformed.js';
import { type BodyFormat, countArguments, keyBytesAre, MAX_ATTACHMENTS, NO_ATTACHMENTS } from '../view.js';
import { END, HessianScanner, isStringTag, MAP, NULL, TYPED_MAP } from './scanner.js';

const scanner = new HessianScanner();
/** After so many bytes that might be the length of a key and are not, the key is looked for as a whole. */
const PATIENCE = 8;

/** The kind of a reply with status 20, from the body's first byte; -1 if that is none. */
export function replyKind(firstByte: number): number {
  return firstByte >= 0x90 && firstByte <= 0x95 ? firstByte - 0x90 : -1;
}

export const hessianBody: BodyFormat = {
  readHead(frame, view) {
    scanner.begin(frame, HEADER_BYTES).skip();
    const path = scanner.string();
    const version = scanner.string();
    const method = scanner.string();
    view.path = path;
    view.version = version;
    view.method = method;
    view.typesAt = scanner.at;
    scanner.finish();
  },

  readAttachments(frame, view, isRequest) {
    if (isRequest) toRequestAttachments(frame, view.typesAt);
    else if (!toReplyAttachments(frame)) {
      view.attachments = NO_ATTACHMENTS;
      view.attachmentsAt = frame.length;
      return;
    }
    const at = scanner.at;
    view.attachments = readIndex();
    view.attachmentsAt = at;
    scanner.finish();
  },

  stringAt(frame, at) {
    return isStringTag(frame[at]) ? scanner.begin(frame, at).string() : undefined;
  },

  keyIs(frame, at, lowerKey) {
    const tag = frame[at]!;
    if (tag > 0x1f) return hessianBody.stringAt(frame, at)?.toLowerCase() === lowerKey;
    return keyBytesAre(frame, at + 1, tag, lowerKey) ?? hessianBody.stringAt(frame, at)!.toLowerCase() === lowerKey;
  },

  mayHold(frame, key) {
    // In all its encodings a string has the low byte of its length before its first letter. To look for a byte takes 20 ns, for
    // a word 130.
    const length = key.length & 0xff;
    const first = key.charCodeAt(0);
    const second = key.charCodeAt(1);
    if (!(first < 0x80 && second < 0x80)) return true;
    let at = frame.indexOf(length, HEADER_BYTES);
    for (let i = 0; at >= 0; i++) {
      if (frame[at + 1] === first && frame[at + 2] === second) return true;
      if (i === PATIENCE) return frame.includes(key, at);
      at = frame.indexOf(length, at + 1);
    }
    return false;
  },

  protocolVersion(frame) {
    return scanner.begin(frame, HEADER_BYTES).string();
  },
};

function toRequestAttachments(frame: Buffer, typesAt: number): void {
  if (typesAt === 0) throw MALFORMED;
  const types = scanner.begin(frame, typesAt).string() ?? '';
  const count = countArguments(types);
  if (count < 0) throw MALFORMED;
  for (let i = 0; i < count; i++) scanner.skip();
}

function toReplyAttachments(frame: Buffer): boolean {
  const kind = replyKind(frame[HEADER_BYTES] ?? 0);
  if (kind < REPLY_KIND.WITH_ATTACHMENTS) return false;
  scanner.begin(frame, HEADER_BYTES + 1);
  if (kind - REPLY_KIND.WITH_ATTACHMENTS !== REPLY_KIND.NULL) scanner.skip();
  return true;
}

function readIndex(): readonly number[] {
  const tag = scanner.peek();
  if (tag === NULL || tag === -1) return NO_ATTACHMENTS;
  if (tag !== MAP && tag !== TYPED_MAP) throw MALFORMED;
  scanner.at++;
  if (tag === TYPED_MAP) scanner.skipType();
  const index: number[] = [];
  while (scanner.peek() !== END) {
    index.push(scanner.at);
    scanner.skip();
    index.push(scanner.at);
    scanner.skip();
    if (index.length > 2 * MAX_ATTACHMENTS) throw MALFORMED;
  }
  index.push(scanner.at);
  return index;
}
