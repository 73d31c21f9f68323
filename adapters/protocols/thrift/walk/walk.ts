import type { Cursor } from './cursor.js';

/** Finds the end of a message that does not tell its length. Goes on where it left off when more bytes are there. */
export interface Walk {
  /** How far it has come. It may be beyond what is there: what has a length is stepped over unseen. */
  readonly at: number;
  /** Steps over the head, at 0. False: it takes more bytes to do so. */
  begin(cursor: Cursor): boolean;
  /**
   * Goes on. True: `at` is behind the message. False: it takes more bytes, or it came beyond `limit`.
   * @throws ProtocolError - the bytes cannot be such a message
   */
  walk(cursor: Cursor, limit: number): boolean;
}
