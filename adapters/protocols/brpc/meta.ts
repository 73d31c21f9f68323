import { FieldReader, findPairs, type Message, ProtocolError } from '../../../src/message/index.js';
import type { StreamFrame } from './stream-frame.js';

/** Magic, bytes of all that follows, bytes of the meta. */
export const FIXED_BYTES = 12;

/** Numbers of `RpcMeta`'s fields, and of those inside request and response. */
export const META = { REQUEST: 1, RESPONSE: 2, ID: 4, STREAM: 8, USER_FIELDS: 9 } as const;
export const REQUEST = { SERVICE: 1, METHOD: 2, LOG_ID: 3, TIMEOUT: 8 } as const;
export const RESPONSE = { CODE: 1, TEXT: 2 } as const;
export const STREAM = { ID: 1, MORE_IDS: 4 } as const;

/** The field `stream_settings`: who sends it has, or opens, a stream of this id. */
export interface StreamSettings {
  readonly start: number;
  readonly at: number;
  readonly end: number;
  /** The field `stream_id`; 0 if there is none. */
  id: number;
  idEnd: number;
  idHigh: number;
  idLow: number;
  /** There are others: the call opens several at once. */
  several: boolean;
}

/**
 * Where things stand in a frame's meta: offsets from the frame's start, 0 for what is absent. Found in one walk while the
 * frame is decoded; strings are built when somebody asks. Of a field that comes twice the last counts. Of a message that
 * belongs to a stream it is that of the reply which the frame wraps, or empty.
 */
export class Meta {
  idHigh = 0;
  idLow = 0;
  /** The field `correlation_id`, its number included. */
  id = 0;
  idEnd = 0;
  /** The field `request`, and where its bytes begin. */
  request = 0;
  requestAt = 0;
  requestEnd = 0;
  serviceAt = 0;
  serviceLength = 0;
  methodAt = 0;
  methodLength = 0;
  /** The field `log_id`. */
  logId = 0;
  /** The field `timeout_ms`. */
  timeout = 0;
  timeoutEnd = 0;
  timeoutMs = 0;
  code = 0;
  textAt = 0;
  textLength = 0;
  /** Of the call that opens a stream, and its reply. */
  settings: StreamSettings | undefined = undefined;
  /** The frame of a stream that it came in. */
  frame: StreamFrame | undefined = undefined;
  /** There are user fields. */
  hasUserFields = false;
  /** Where the meta ends, and what follows begins. */
  end = 0;
  /** Of each user field in turn: see `text-pairs.ts`. Undefined: nobody asked yet. */
  pairs: readonly number[] | undefined = undefined;

  constructor(readonly isReply: boolean) {}
}

const fields = new FieldReader();
const inner = new FieldReader();

/**
 * @param frame - holds the whole of the meta
 * @throws ProtocolError - it is no protobuf
 */
export function readMeta(frame: Buffer, end: number, meta: Meta): Meta {
  meta.end = end;
  fields.open(frame, FIXED_BYTES, end);
  while (fields.next()) {
    const { number, wireType } = fields;
    if (number === META.ID && wireType === 0) {
      meta.id = fields.start;
      meta.idEnd = fields.end;
      meta.idHigh = fields.high | 0;
      meta.idLow = fields.low | 0;
    } else if (wireType !== 2) continue;
    else if (number === META.REQUEST) readRequest(frame, meta);
    else if (number === META.RESPONSE && meta.isReply) readResponse(frame, meta);
    else if (number === META.STREAM) meta.settings = readSettings(frame, meta.settings?.several);
    else if (number === META.USER_FIELDS) meta.hasUserFields = true;
  }
  check(fields);
  return meta;
}

/** A field `request` that comes again is merged into the one before; only in the last one is the timeout replaced. */
function readRequest(frame: Buffer, meta: Meta): void {
  meta.timeout = 0;
  meta.timeoutEnd = 0;
  meta.request = fields.start;
  meta.requestAt = fields.at;
  meta.requestEnd = fields.end;
  inner.open(frame, fields.at, fields.end);
  while (inner.next()) {
    const { number, wireType } = inner;
    if (number === REQUEST.SERVICE && wireType === 2) {
      meta.serviceAt = inner.at;
      meta.serviceLength = inner.length;
    } else if (number === REQUEST.METHOD && wireType === 2) {
      meta.methodAt = inner.at;
      meta.methodLength = inner.length;
    } else if (number === REQUEST.LOG_ID && wireType === 0) meta.logId = inner.start;
    else if (number === REQUEST.TIMEOUT && wireType === 0) {
      meta.timeout = inner.start;
      meta.timeoutEnd = inner.end;
      meta.timeoutMs = inner.high === 0 && inner.low <= 0x7fffffff ? inner.low : 0;
    }
  }
  check(inner);
}

function readResponse(frame: Buffer, meta: Meta): void {
  inner.open(frame, fields.at, fields.end);
  while (inner.next()) {
    if (inner.number === RESPONSE.CODE && inner.wireType === 0) meta.code = inner.low | 0;
    else if (inner.number === RESPONSE.TEXT && inner.wireType === 2) {
      meta.textAt = inner.at;
      meta.textLength = inner.length;
    }
  }
  check(inner);
}

function check({ malformed, start }: FieldReader): void {
  if (malformed) throw new ProtocolError(`bRPC frame: the meta is no protobuf from byte ${start} on`);
}

function readSettings(frame: Buffer, several = false): StreamSettings {
  const { start, at, end } = fields;
  const settings: StreamSettings = { start, at, end, id: 0, idEnd: 0, idHigh: 0, idLow: 0, several };
  inner.open(frame, at, end);
  while (inner.next()) {
    if (inner.number === STREAM.MORE_IDS) settings.several = true;
    if (inner.number !== STREAM.ID || inner.wireType !== 0) continue;
    settings.id = inner.start;
    settings.idEnd = inner.end;
    settings.idHigh = inner.high | 0;
    settings.idLow = inner.low | 0;
  }
  check(inner);
  return settings;
}

/** What of a message was read; undefined if it was never decoded. */
export function metaOf(message: Message): Meta | undefined {
  return message.view as Meta | undefined;
}

const NO_PAIRS: readonly number[] = Object.freeze([]);

/** All user fields, in order; found once. */
export function userFields(frame: Buffer, meta: Meta): readonly number[] {
  meta.pairs ??= meta.hasUserFields ? findPairs(frame, FIXED_BYTES, meta.end, META.USER_FIELDS) : NO_PAIRS;
  return meta.pairs;
}

/** The `PRPC` frame itself: of one that a stream's wraps, what follows the wrapping. */
export function frameOf(message: Message, meta: Meta): Buffer {
  return message.bytes[meta.frame === undefined ? 0 : 1]!;
}
