/**
 * The 16 bytes before every tRPC frame, big-endian: magic `09 30`, frame type, stream frame type, total length (these 16
 * included), length of the protobuf header, stream id, version, one reserved byte.
 *
 * A unary frame is `fixed | protobuf header | body | attachment`. A stream frame has no header of its own length: what
 * follows the 16 bytes is one protobuf message, or data.
 *
 * The stream id of a unary frame is no decoration: trpc-go writes the request id there, and on its multiplexed connections
 * tells replies apart by it alone, while trpc-java writes 0 into requests and replies. So it belongs to what identifies a
 * call (`Message.idHigh`), and a reply always goes out with the stream id of its request.
 */
export const FIXED_BYTES = 16;
export const MAGIC = [0x09, 0x30] as const;
/** As much as the length of a protobuf header can say; frames that open and close a stream are held to it too. */
export const MAX_HEADER_BYTES = 0xffff;

/** What a frame is: a unary one, or the type of a stream frame. */
export const FRAME = { UNARY: 0, INIT: 1, DATA: 2, FEEDBACK: 3, CLOSE: 4 } as const;

const AT = { STREAM: 2, STREAM_TYPE: 3, TOTAL: 4, HEADER: 8, STREAM_ID: 10, VERSION: 14 } as const;

/** In `Message.tag`: the frame's type, its direction, and what it says of the call. */
const REPLY = 0x08;
const VERDICT_SHIFT = 4;

/** What a reply says of its call, as a number that fits the tag. */
export const VERDICT = { OK: 0, BUSINESS: 1, FRAMEWORK: 2, REJECTED: 3 } as const;
export type Verdict = (typeof VERDICT)[keyof typeof VERDICT];

export function tagOf(frame: number, reply: boolean, verdict: Verdict): number {
  return frame | (reply ? REPLY : 0) | (verdict << VERDICT_SHIFT);
}

export function frameOf(tag: number): number {
  return tag & 7;
}

export function isReply(tag: number): boolean {
  return (tag & REPLY) !== 0;
}

export function verdictOf(tag: number): number {
  return tag >> VERDICT_SHIFT;
}

/** Where the protobuf header of a unary frame ends. */
export function headerEnd(frame: Buffer): number {
  return FIXED_BYTES + ((frame[AT.HEADER]! << 8) | frame[AT.HEADER + 1]!);
}

export function readUint32(from: Buffer, at: number): number {
  return ((from[at]! << 24) | (from[at + 1]! << 16) | (from[at + 2]! << 8) | from[at + 3]!) >>> 0;
}

export function streamIdOf(frame: Buffer): number {
  return readUint32(frame, AT.STREAM_ID);
}

export function versionOf(frame: Buffer): number {
  return frame[AT.VERSION]!;
}

/** A whole fixed header. @param header - bytes of the protobuf header; 0 in stream frames */
export function writeFixed(
  to: Buffer,
  frame: number,
  total: number,
  header: number,
  streamId: number,
  version: number,
): void {
  to[0] = MAGIC[0];
  to[1] = MAGIC[1];
  to[AT.STREAM] = frame === FRAME.UNARY ? 0 : 1;
  to[AT.STREAM_TYPE] = frame;
  writeSizes(to, total, header);
  writeStreamId(to, streamId);
  to[AT.VERSION] = version;
  to[AT.VERSION + 1] = 0;
}

export function writeSizes(to: Buffer, total: number, header: number): void {
  writeUint32(to, AT.TOTAL, total);
  to[AT.HEADER] = header >> 8;
  to[AT.HEADER + 1] = header;
}

export function writeStreamId(to: Buffer, id: number): void {
  writeUint32(to, AT.STREAM_ID, id);
}

function writeUint32(to: Buffer, at: number, value: number): void {
  to[at] = value >> 24;
  to[at + 1] = value >> 16;
  to[at + 2] = value >> 8;
  to[at + 3] = value;
}
