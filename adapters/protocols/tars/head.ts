/**
 * What is read of a packet's fields. Those before the body stand in the first segment of the message and are read at once;
 * those behind it in the last one, when somebody asks. Requests and responses number them differently, and a response of
 * TUP (versions 2 and 3) is numbered like a request: only the direction tells them apart.
 */
import type { Bytes, Message } from '../../../src/message/index.js';
import { FieldWalker, malformed } from './fields.js';

export const REQUEST = { MESSAGE_TYPE: 3, ID: 4, SERVANT: 5, FUNC: 6, BODY: 7, TIMEOUT: 8, CONTEXT: 9, STATUS: 10 };
export const RESPONSE = { ID: 3, MESSAGE_TYPE: 4, RET: 5, BODY: 6, STATUS: 7, DESC: 8, CONTEXT: 9 };
export const VERSION = 1;
const PACKET_TYPE = 2;
const ONE_WAY = 1;

export const LENGTH_BYTES = 4;

/** Versions 2 and 3, whose replies are numbered like requests. */
export function isTup(version: number): boolean {
  return version === 2 || version === 3;
}

/** Of what is not there, begin and length are 0. */
export class Head {
  version = 0;
  oneway = false;
  messageType = 0;
  id = 0;
  /** The field of the id, its head included. */
  idAt = 0;
  idEnd = 0;
  ret = 0;
  servantAt = 0;
  servantLength = 0;
  funcAt = 0;
  funcLength = 0;
  /** In the last segment: what follows the body. */
  tailAt = 0;
  /** Whether the fields below are read. */
  tailRead = false;
  tailMalformed = false;
  timeoutMs = 0;
  contextAt = 0;
  contextEnd = 0;
  statusAt = 0;
  statusEnd = 0;
  descAt = 0;
  descLength = 0;

  constructor(readonly isReply: boolean) {}

  get isTup(): boolean {
    return isTup(this.version);
  }

  /** Are its fields numbered as a request's? */
  get likeRequest(): boolean {
    return !this.isReply || this.isTup;
  }
}

/** Lookups go over all pairs: a map that is longer is not read, nor changed. Real ones have some hundred bytes. */
const MAX_MAP_BYTES = 256 * 1024;

const walker = new FieldWalker();

/**
 * Reads up to the body.
 * @returns where the body's bytes begin and end, which may be beyond `end` where only part of the packet is at hand
 * @throws ProtocolError - these are no fields, or not in the order of their tags
 */
export function readHead(frame: Buffer, end: number, head: Head): void {
  walker.open(frame, LENGTH_BYTES, end);
  let bodyTag = head.likeRequest ? REQUEST.BODY : RESPONSE.BODY;
  let idTag = head.likeRequest ? REQUEST.ID : RESPONSE.ID;
  head.tailAt = end;
  for (let last = -1; walker.next(); last = walker.tag) {
    const tag = ascending(last);
    if (tag === VERSION) {
      head.version = walker.int32();
      bodyTag = head.likeRequest ? REQUEST.BODY : RESPONSE.BODY;
      idTag = head.likeRequest ? REQUEST.ID : RESPONSE.ID;
    } else if (tag === PACKET_TYPE) head.oneway = walker.int32() === ONE_WAY;
    else if (tag === idTag) {
      head.id = walker.int32();
      head.idAt = walker.start;
      head.idEnd = walker.at;
    } else if (tag >= bodyTag) {
      head.tailAt = tag === bodyTag ? walker.at : walker.start;
      break;
    } else if (head.likeRequest) readRequestField(tag, head);
    else if (tag === RESPONSE.RET) head.ret = walker.int32();
  }
}

/**
 * The tag of the walker's field. Peers look for fields in the order of their tags, so of two they read the first. Were the
 * last one taken here, a caller could hide its own id from being rewritten, and get another's reply.
 */
function ascending(last: number): number {
  if (walker.tag <= last) throw malformed(walker.start, `the field ${walker.tag} comes behind the field ${last}`);
  return walker.tag;
}

function boundedMap(): void {
  const length = walker.at - walker.start;
  if (length > MAX_MAP_BYTES) throw malformed(walker.start, `a map of ${length} bytes; at most ${MAX_MAP_BYTES}`);
}

function readRequestField(tag: number, head: Head): void {
  if (tag === REQUEST.MESSAGE_TYPE) head.messageType = walker.int32();
  else if (tag === REQUEST.SERVANT && walker.isText) {
    head.servantAt = walker.valueAt;
    head.servantLength = walker.valueLength;
  } else if (tag === REQUEST.FUNC && walker.isText) {
    head.funcAt = walker.valueAt;
    head.funcLength = walker.valueLength;
  }
}

/** What of a message was read; undefined if it was never decoded. */
export function headOf(message: Message): Head | undefined {
  return message.view as Head | undefined;
}

export function tailOf(bytes: Bytes): Buffer {
  return bytes[bytes.length - 1]!;
}

/** Reads what follows the body, once. What is malformed there, and all behind it, is as if it were not there. */
export function readTail(bytes: Bytes, head: Head): Head {
  if (head.tailRead) return head;
  head.tailRead = true;
  const tail = tailOf(bytes);
  const tags = head.likeRequest ? REQUEST : RESPONSE;
  walker.open(tail, head.tailAt, tail.length);
  try {
    for (let last = tags.BODY; walker.next(); last = walker.tag) {
      const tag = ascending(last);
      if (tag === tags.CONTEXT || tag === tags.STATUS) boundedMap();
      if (tag === tags.CONTEXT) {
        head.contextAt = walker.start;
        head.contextEnd = walker.at;
      } else if (tag === tags.STATUS) {
        head.statusAt = walker.start;
        head.statusEnd = walker.at;
      } else if (head.likeRequest && tag === REQUEST.TIMEOUT) head.timeoutMs = walker.int32();
      else if (!head.likeRequest && tag === RESPONSE.DESC && walker.isText) {
        head.descAt = walker.valueAt;
        head.descLength = walker.valueLength;
      }
    }
  } catch {
    // It is the receiver's to complain: the packet is passed on as it came.
    head.tailMalformed = true;
  }
  return head;
}
