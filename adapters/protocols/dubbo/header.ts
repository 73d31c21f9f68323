/**
 * The 16 bytes before every Dubbo body, big-endian: magic `da bb`, a flag byte, a status byte (replies), a signed 64-bit
 * id, the body's length. The id counts per direction: 2.6 providers send heartbeats whose ids are those of calls under way.
 */
export const HEADER_BYTES = 16;

export const FLAG_REQUEST = 0x80;
export const FLAG_TWO_WAY = 0x40;
export const FLAG_EVENT = 0x20;
export const SERIALIZATION_MASK = 0x1f;

/** Serializations whose bodies are read; frames of any other pass through with what the header tells. */
export const HESSIAN2 = 2;
export const FASTJSON2 = 23;

/** Status of a reply. 25 and 35 are of Dubbo 3; all but 20 have a string as body. */
export const STATUS = {
  OK: 20,
  SERIALIZATION_ERROR: 25,
  CLIENT_TIMEOUT: 30,
  SERVER_TIMEOUT: 31,
  CHANNEL_INACTIVE: 35,
  BAD_REQUEST: 40,
  BAD_RESPONSE: 50,
  SERVICE_NOT_FOUND: 60,
  SERVICE_ERROR: 70,
  SERVER_ERROR: 80,
  CLIENT_ERROR: 90,
  /** The provider's threads and queue are full: the call did not run. */
  THREADPOOL_EXHAUSTED: 100,
} as const;

/** What a reply with status 20 holds, as its first value. 3–5 are 0–2 followed by attachments. */
export const REPLY_KIND = { EXCEPTION: 0, VALUE: 1, NULL: 2, WITH_ATTACHMENTS: 3 } as const;

/** `Message.tag` of a Dubbo message: flags, status and whether it is the read-only event. */
export function tagOf(flags: number, status: number, readOnly: boolean): number {
  return flags | (status << 8) | (readOnly ? 0x10000 : 0);
}

export function flagsOf(tag: number): number {
  return tag & 0xff;
}

export function serializationOf(tag: number): number {
  return tag & SERIALIZATION_MASK;
}

export function statusOf(tag: number): number {
  return (tag >> 8) & 0xff;
}

export function isReadOnly(tag: number): boolean {
  return (tag & 0x10000) !== 0;
}

export function isRequest(tag: number): boolean {
  return (tag & FLAG_REQUEST) !== 0;
}

export function isEvent(tag: number): boolean {
  return (tag & FLAG_EVENT) !== 0;
}

export function writeHeader(
  to: Buffer,
  flags: number,
  status: number,
  idHigh: number,
  idLow: number,
  bodyBytes: number,
): void {
  to[0] = 0xda;
  to[1] = 0xbb;
  to[2] = flags;
  to[3] = status;
  writeId(to, idHigh, idLow);
  writeInt32(to, 12, bodyBytes);
}

export function writeId(to: Buffer, idHigh: number, idLow: number): void {
  writeInt32(to, 4, idHigh);
  writeInt32(to, 8, idLow);
}

export function writeInt32(to: Uint8Array, at: number, value: number): void {
  to[at] = value >> 24;
  to[at + 1] = value >> 16;
  to[at + 2] = value >> 8;
  to[at + 3] = value;
}

export function readInt32(from: Uint8Array, at: number): number {
  return (from[at]! << 24) | (from[at + 1]! << 16) | (from[at + 2]! << 8) | from[at + 3]!;
}
