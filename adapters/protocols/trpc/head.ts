import { FieldReader, ProtocolError } from '../../../src/message/index.js';
import { FIXED_BYTES, FRAME, headerEnd } from './fixed-header.js';

/**
 * Where things stand in a frame's protobuf part: offsets from the frame's start, 0 for what is absent. Found in one walk
 * while the frame is decoded; strings are built when somebody asks. Of a field that comes twice the last counts.
 */
export class Head {
  requestId = 0;
  /** The field `request_id`, its number included. */
  id = 0;
  idEnd = 0;
  /** `call_type` 1: no reply is wanted. */
  oneway = false;
  /** The field `timeout`. */
  timeout = 0;
  timeoutEnd = 0;
  /** Milliseconds; 0: none. */
  timeoutMs = 0;
  caller = 0;
  callee = 0;
  func = 0;
  /** `error_msg`. */
  text = 0;
  ret = 0;
  funcRet = 0;
  /** The first field `trans_info`. */
  info = 0;
  /** The number of the field `trans_info`, other in each kind of header; 0 where there is none. */
  infoNumber = 0;
  /** Where the fields end; in a stream's INIT, those of the meta that is its first field. */
  end = 0;
  /** In a stream's INIT, that first field, and where its bytes begin. */
  meta = 0;
  metaAt = 0;
  /** Of each pair in turn: see `trans-info.ts`. Undefined: nobody asked yet. */
  pairs: readonly number[] | undefined = undefined;
}

const fields = new FieldReader();

/** The fields of a request's header, or of a reply's. @throws ProtocolError - it is no protobuf */
export function readUnary(frame: Buffer, reply: boolean, head: Head): Head {
  const end = headerEnd(frame);
  head.end = end;
  head.infoNumber = reply ? 8 : 9;
  fields.open(frame, FIXED_BYTES, end);
  while (fields.next()) {
    if (fields.number === 3 && fields.wireType === 0) {
      head.id = fields.start;
      head.idEnd = fields.end;
      head.requestId = fields.low;
    } else if (reply) replyField(head);
    else requestField(head);
  }
  check(frame, 'header');
  return head;
}

function requestField(head: Head): void {
  if (fields.wireType === 2) {
    if (fields.number === 5) head.caller = fields.start;
    else if (fields.number === 6) head.callee = fields.start;
    else if (fields.number === 7) head.func = fields.start;
    else if (fields.number === 9) head.info ||= fields.start;
  } else if (fields.wireType === 0) {
    if (fields.number === 2) head.oneway = fields.low === 1;
    else if (fields.number === 4) {
      head.timeout = fields.start;
      head.timeoutEnd = fields.end;
      head.timeoutMs = fields.low;
    }
  }
}

function replyField(head: Head): void {
  if (fields.wireType === 2) {
    if (fields.number === 6) head.text = fields.start;
    else if (fields.number === 8) head.info ||= fields.start;
  } else if (fields.wireType === 0) {
    if (fields.number === 4) head.ret = fields.low | 0;
    else if (fields.number === 5) head.funcRet = fields.low | 0;
  }
}

/** INIT: what a request's header says is in field 1 of the client's, what a reply's says in field 2 of the server's. */
export function readInit(frame: Buffer, reply: boolean, head: Head): void {
  fields.open(frame, FIXED_BYTES, frame.length);
  head.end = frame.length;
  while (fields.next()) {
    if (fields.wireType !== 2 || fields.number !== (reply ? 2 : 1)) continue;
    head.meta = fields.start;
    head.metaAt = fields.at;
    head.end = fields.end;
  }
  check(frame, 'INIT');
  if (!reply) head.infoNumber = 5;
  if (head.meta === 0) return;
  fields.open(frame, head.metaAt, head.end);
  while (fields.next()) {
    const { number, wireType, start } = fields;
    if (reply) {
      if (number === 1 && wireType === 0) head.ret = fields.low | 0;
      else if (number === 2 && wireType === 2) head.text = start;
    } else if (wireType === 2) {
      if (number === 1) head.caller = start;
      else if (number === 2) head.callee = start;
      else if (number === 3) head.func = start;
      else if (number === 5) head.info ||= start;
    }
  }
  check(frame, 'INIT');
}

/** CLOSE. @returns whether it resets the stream; else its sender only sends no more */
export function readClose(frame: Buffer, head: Head): boolean {
  let reset = false;
  fields.open(frame, FIXED_BYTES, frame.length);
  head.infoNumber = 5;
  head.end = frame.length;
  while (fields.next()) {
    const { number, wireType, start } = fields;
    if (wireType === 0) {
      if (number === 1) reset = fields.low !== 0;
      else if (number === 2) head.ret = fields.low | 0;
      else if (number === 6) head.funcRet = fields.low | 0;
    } else if (wireType === 2) {
      if (number === 3) head.text = start;
      else if (number === 5) head.info ||= start;
    }
  }
  check(frame, 'CLOSE');
  return reset;
}

function check(frame: Buffer, what: string): void {
  if (!fields.malformed) return;
  const kind = frame[2] === 0 ? 'unary' : Object.keys(FRAME)[frame[3]!];
  throw new ProtocolError(`tRPC ${kind} frame: the ${what} is no protobuf from byte ${fields.start} on`);
}
