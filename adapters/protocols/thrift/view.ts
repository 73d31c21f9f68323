/**
 * What has been read of a message; kept in `Message.view`. Offsets count from the frame's first byte, so that they stay true
 * when the bytes are copied elsewhere. Of a zlib'd message those of name, seq and body count from the inflated beginning.
 */
export class View {
  /** Where the message begins: behind the length, or the header. */
  messageAt = 0;
  nameAt = 0;
  nameLength = 0;
  /** The seq's own bytes: 4, a varint or decimal digits. */
  seqAt = 0;
  seqEnd = 0;
  /** Where the struct begins. */
  bodyAt = 0;
  seq = 0;
  /** The header's seq is the message's: it changes with it. */
  seqInHeader = false;
  /** Inflated: the head of a zlib'd message and a little more. */
  inflated: Buffer | undefined = undefined;
  /** Read when asked for; undefined: not yet. */
  name: Name | undefined = undefined;
  pairs: Pairs | undefined = undefined;
}

/** `Service:method`, or a method alone. */
export interface Name {
  readonly service: string | undefined;
  readonly method: string;
}

/** Where the pairs of a header are. */
export interface Pairs {
  /**
   * Five numbers each, in order: where the entry begins, where its key's bytes do and how many they are (−1: a key that is
   * a number of two bytes), where its value's bytes do and how many. An entry ends with its value.
   */
  readonly entries: readonly number[];
  /** From, to, … of what is no pair and stays as it is. */
  readonly others: readonly number[];
  /** Where the first of all this is: behind protocol and transforms. */
  readonly from: number;
  /** All of it could be read. */
  readonly whole: boolean;
}

/** Numbers an entry in {@link Pairs.entries}. */
export const ENTRY = 5;
