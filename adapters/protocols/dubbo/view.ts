/**
 * What has been read of a message so far; kept in `Message.view`. Offsets count from the frame's first byte, so that
 * they stay true when the message's bytes are copied elsewhere; no buffer is held.
 */
export class View {
  /** Of a request: what stands before its arguments. All undefined if unreadable. */
  path: string | undefined = undefined;
  version: string | undefined = undefined;
  method: string | undefined = undefined;
  /** Where the parameter types stand; 0: not there, or unreadable. */
  typesAt = 0;

  /** Offsets of the attachments' keys and values in turn, then of the end mark; undefined: not read yet. */
  attachments: readonly number[] | undefined = undefined;
  /** Where the attachments stand; the frame's length if there are none, 0 if they cannot be found. */
  attachmentsAt = 0;
}

export const NO_ATTACHMENTS: readonly number[] = Object.freeze([]);
/** Far above what anybody sends: a frame with more counts as malformed. */
export const MAX_ATTACHMENTS = 10_000;

/** What attribute reading and mutation need of a serialization. Frames are in one piece; methods throw MALFORMED. */
export interface BodyFormat {
  /** Fills `path`, `version`, `method`, `typesAt` from a request. */
  readHead(frame: Buffer, view: View): void;
  /** Fills `attachments` and `attachmentsAt`. */
  readAttachments(frame: Buffer, view: View, isRequest: boolean): void;
  /** The string at an offset of `attachments`; undefined if something else is there. */
  stringAt(frame: Buffer, at: number): string | undefined;
  /** Is this key at that offset, compared lower-cased? Builds nothing for plain ASCII. */
  keyIs(frame: Buffer, at: number, lowerKey: string): boolean;
  /** Might an attachment have this key? False: none has. Much cheaper than reading them, for a small frame. */
  mayHold(frame: Buffer, key: string): boolean;
  /** The version of Dubbo's own protocol that the request names. */
  protocolVersion(frame: Buffer): string | undefined;
}

/** How many arguments a JVM parameter descriptor such as `Ljava/lang/String;[I` announces; -1 if it is none. */
export function countArguments(types: string): number {
  let count = 0;
  for (let i = 0; i < types.length; i++) {
    const c = types.charCodeAt(i);
    if (c === 0x5b) continue; // [
    if (c === 0x4c) {
      i = types.indexOf(';', i);
      if (i < 0) return -1;
    }
    count++;
  }
  return count;
}

/** Is the string of `length` characters at `at` this lower-case key? Undefined: it is not plain ASCII, so read it. */
export function keyBytesAre(frame: Buffer, at: number, length: number, lowerKey: string): boolean | undefined {
  if (length !== lowerKey.length) return false;
  for (let i = 0; i < length; i++) {
    let byte = frame[at + i]!;
    if (byte >= 0x41 && byte <= 0x5a) byte |= 0x20;
    if (byte > 0x7f) return undefined;
    if (byte !== lowerKey.charCodeAt(i)) return false;
  }
  return true;
}
