import type { ByteQueue } from './byte-queue.js';
import type { Bytes } from './bytes.js';
import type { Message } from './message.js';
import type { Mutation } from './mutation.js';
import type { Slab } from './slab.js';
import type { WireId } from './wire-id.js';

/** Which end of the connection we are: `downstream` reads requests, `upstream` reads replies. */
export type Side = 'downstream' | 'upstream';

/**
 * May calls share an upstream connection? `multiplexed`: many at once, replies matched by id. `pipelined`: many at
 * once, replies in order. `exclusive`: one at a time.
 */
export type Sharing = 'multiplexed' | 'pipelined' | 'exclusive';

/** What a reply says of the call. Only `framework` and `rejected` may be retried; `business` is an answer. */
export type ReplyStatus = 'ok' | 'business' | 'framework' | 'rejected';

/** A wire protocol. Only name, sharing and open are required: a private protocol needs no more. */
export interface Protocol {
  /** The third token of a port name, `tcp-metaprotocol-<name>`. */
  readonly name: string;
  readonly sharing: Sharing;
  /** One codec per connection; it holds the framing state of both directions. */
  open(side: Side, options?: CodecOptions): Codec;
  /**
   * Whose message it is, where several services share an address: names from the most exact to the least, each to be
   * compared with a service rule's `serviceKey` and its host: the host that a registry gives it, say, then its interface.
   */
  serviceKeys?(request: Message): readonly string[];
  /** @defaultValue kind `error` is `framework`, anything else `ok`. */
  classify?(reply: Message): ReplyStatus;
  /** Milliseconds that the caller still waits, as the wire says. */
  deadline?(request: Message): number | undefined;
  /** Can whoever sent this request read attributes on its reply? If not, replies go out as they came. @defaultValue yes */
  takesReplyMutation?(request: Message): boolean;
  /** What each attempt adds where the wire has room: remaining deadline, attempt number. */
  stamp?(attempt: Stampable): Mutation | undefined;
  /** A probe that the peer answers. Its answer is of kind `heartbeat` and goes no further. */
  heartbeat?(): Bytes;
  /** What an unsolicited message means for the connection it came on. @defaultValue 'ignore' */
  unsolicited?(event: Message): 'drain' | 'ignore';
  /** An id, written for people. @defaultValue all 64 bits as an unsigned decimal */
  formatId?(id: WireId): string;
  readonly traits?: { readonly addressIsIdentity?: true; readonly session?: true; readonly serverFirst?: true };
}

/** What a connection tells its codec. */
export interface CodecOptions {
  /** Where small frames are written; a private one if absent. */
  readonly slab?: Slab;
  /** Longest message accepted, in bytes. @defaultValue 16 MiB, or what the protocol says */
  readonly maxMessageBytes?: number;
}

/** Bytes to messages and back, for one connection. Holds framing state, so it is never shared. */
export interface Codec {
  /**
   * Takes exactly one whole message from the queue, or null to wait for more (having taken nothing, or only bytes that
   * it remembers).
   * @throws {@link ProtocolError} - the bytes are not of this protocol: the connection cannot go on.
   */
  decode(input: ByteQueue): Message | null;
  /**
   * Segments to send: the original ones unless `mutation` or another `id` changes them. The message is never modified.
   * @param id - replaces the message's own correlation id. Of what goes to a client it is the request's message, or the
   * opening of the stream.
   */
  encode(message: Message, id?: WireId, mutation?: Mutation): Bytes;
  /**
   * The reply that the caller's own client library raises as a proper error; `'close'` where the protocol has no such
   * thing; undefined for messages that expect no reply.
   */
  reject(request: Message, failure: Rejection): Bytes | 'close' | undefined;
  /**
   * Ends a stream, under that id, towards either side: its peer's library raises the failure where the stream was used. Of
   * protocols with streams. Undefined: the peer cannot be told yet; an upstream learns by the end of its connection.
   */
  reset?(id: WireId, failure: Rejection): Bytes | undefined;
  /** What a heartbeat or an event of the peer wants back; undefined if nothing. */
  answer?(event: Message): Bytes | undefined;
}

/** What a codec needs of a Failure to put it on the wire. `call/failure.ts` has the table of codes. */
export interface Rejection {
  readonly code: string;
  readonly message: string;
}

/** What a protocol may tell the upstream about an attempt. */
export interface Stampable {
  readonly request: Message;
  /** From 1. */
  readonly number: number;
  /** Milliseconds left of the deadline; Infinity if there is none. */
  readonly remainingMs: number;
}

/** Bytes that are no such protocol. Ends the connection they came on; `reason` is for people. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** Default for {@link CodecOptions.maxMessageBytes}. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
