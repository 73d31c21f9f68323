import type { ReplyStatus, Sharing } from '../codec.js';
import type { MessageKind } from '../message.js';

/** Whole numbers, in the byte order of the table; `i`: two's complement. */
export type NumberType = 'u8' | 'u16' | 'u32' | 'u64' | 'i8' | 'i16' | 'i32' | 'i64';

/** Heartbeats come in pairs: a `ping` is answered with a `pong`. */
export type FramedKind = Exclude<MessageKind, 'heartbeat'> | 'ping' | 'pong';

/**
 * A field of the header and what it means to the mesh. Plain numbers, texts and the timeout are attributes that rules may
 * match and change; the others are attributes that rules may match.
 */
export type HeaderField =
  | { readonly name: string; readonly type: NumberType }
  /** So many bytes of text, filled up with zeros. */
  | { readonly name: string; readonly text: number }
  /** A constant, such as a magic: any other value is no such protocol. No attribute. */
  | { readonly name: string; readonly type: NumberType; readonly is: number }
  /** What the message is. Any other value ends the connection. Without such a field the direction tells. */
  | { readonly name: string; readonly type: NumberType; readonly kinds: Readonly<Record<number, FramedKind>> }
  /** The correlation id, which replies echo. From 32 bits on calls may share a connection. */
  | { readonly name: string; readonly type: NumberType; readonly id: true }
  /** Bytes of the whole message, or of all that follows the header. Exactly one field says so. No attribute. */
  | { readonly name: string; readonly type: NumberType; readonly length: 'message' | 'rest' }
  /** Bytes of the pairs, which follow the header and come before the body. No attribute. */
  | { readonly name: string; readonly type: NumberType; readonly pairs: true }
  /** Of a reply: what its values say of the call; any other is `framework`. `reject`: what the mesh's refusals say. */
  | {
      readonly name: string;
      readonly type: NumberType;
      readonly status: Readonly<Record<number, ReplyStatus>>;
      readonly reject: number;
    }
  /** Milliseconds that the caller waits; 0: it does not say. Attempts say what is left of it. */
  | { readonly name: string; readonly type: NumberType; readonly timeout: true };

/** A framed protocol: a header of fixed size that tells how long the message is, pairs of text if it has some, a body. */
export interface FramedTable {
  /** The third token of a port name, `tcp-metaprotocol-<name>`. */
  readonly name: string;
  /** In the order of the wire, without gaps. */
  readonly header: readonly HeaderField[];
  /** @defaultValue 'big' */
  readonly endian?: 'big' | 'little';
  /** May calls share a connection? @defaultValue 'multiplexed' with an id of at least 32 bits, else 'exclusive' */
  readonly sharing?: Sharing;
  /** Attributes that make the operation's name for people, joined by `/`. @defaultValue none */
  readonly operation?: readonly string[];
  /** The attribute that tells services at one address apart. @defaultValue none */
  readonly service?: string;
  /** Longest message, in bytes. @defaultValue 16 MiB */
  readonly maxMessageBytes?: number;
}
