/**
 * Streams of one connection. Each end of a bRPC stream has an id of its own for it and addresses the other's. The opener's is
 * the stream's id to the mesh: it is the connection's own towards the upstream, and restored towards the opener. The
 * server's stays what it is on both sides; its first frame, which wraps its reply to the opening, tells it.
 */
import {
  type Bytes,
  Message,
  type MessageKind,
  type Mutation,
  ProtocolError,
  type Slab,
  sameWireId,
  type WireId,
} from '../../../src/message/index.js';
import { CODE } from './codes.js';
import { edited, MAX_META_BYTES } from './edits.js';
import { errorReply, MAGIC } from './frame.js';
import { FIXED_BYTES, Meta, metaOf, readMeta } from './meta.js';
import { brpcReader } from './reader.js';
import { readdressed, type StreamFrame, streamFrame, TYPE } from './stream-frame.js';

const NO_STREAM: WireId = { idHigh: -1, idLow: -1 };

/**
 * Towards openers. A frame that says from whom it is needs no memory. A reset does not say it: an opener that has let go of a
 * stream sends it to the id that it was told, so these are kept, from the answer to the end. Two servers may have told the
 * same one: then such a reset is for nobody.
 */
export class OpenerStreams {
  /** The server's ids, by the opener's. */
  readonly #answered = new Map<bigint, { readonly opener: WireId; readonly server: WireId }>();

  read(bytes: Bytes, frame: StreamFrame): Message {
    const id = frame.from ?? this.#openerOf(frame.to);
    if (id === undefined) return ofStream('event', bytes, frame, NO_STREAM, new Meta(false));
    let kind: MessageKind = 'stream-data';
    // The server answers a close by its own, and that is the end.
    if (frame.type === TYPE.CLOSE) kind = 'stream-end';
    else if (frame.type === TYPE.RESET) {
      kind = 'stream-close';
      this.ended(id);
    }
    return ofStream(kind, bytes, frame, id, new Meta(false));
  }

  /** @param id - of the stream; its opening gives what the frame wraps its own correlation id back */
  sent(message: Message, meta: Meta, id: WireId, mutation: Mutation | undefined, slab: Slab): Bytes {
    if (message.kind === 'stream-close') this.ended(id);
    else if (meta.settings !== undefined)
      this.#answered.set(keyOf(id), { opener: plain(id), server: plain(meta.settings) });
    const { to, end } = meta.frame!;
    let { bytes } = message;
    const opening = openingIn(id);
    const mutated = mutation !== undefined && mutation.size > 0;
    if (wraps(meta) && (mutated || (opening !== undefined && !sameWireId(opening, meta)))) {
      bytes = [bytes[0]!, ...edited(bytes.slice(1), meta, { id: opening ?? meta, mutation }, slab)];
    } else if (sameWireId(id, to)) return bytes;
    return readdressed(bytes, end, to, id, slab);
  }

  ended(id: WireId): void {
    this.#answered.delete(keyOf(id));
  }

  reset(id: WireId): Bytes {
    this.ended(id);
    return [streamFrame(TYPE.RESET, id)];
  }

  #openerOf(server: WireId): WireId | undefined {
    let found: WireId | undefined;
    for (const stream of this.#answered.values()) {
      if (!sameWireId(stream.server, server)) continue;
      if (found !== undefined) return undefined;
      found = stream.opener;
    }
    return found;
  }
}

/** Towards a server: one stream at a time, since each has a connection of its own there. */
export class ServerStreams {
  #id: WireId | undefined = undefined;
  /** The server's, once it has answered. */
  #server: WireId | undefined = undefined;

  opened(id: WireId): void {
    this.#id = plain(id);
    this.#server = undefined;
  }

  read(bytes: Bytes, frame: StreamFrame): Message {
    const { to, type } = frame;
    const isOurs = this.#id !== undefined && sameWireId(this.#id, to);
    if (isOurs && this.#server === undefined && type === TYPE.DATA) return this.#answer(bytes, frame);
    const meta = new Meta(true);
    if (type !== TYPE.CLOSE && type !== TYPE.RESET) return ofStream('stream-data', bytes, frame, to, meta);
    if (isOurs) this.#id = undefined;
    if (type === TYPE.RESET) meta.code = CODE.INTERNAL;
    return ofStream('stream-close', bytes, frame, to, meta);
  }

  /** @throws Error - it is addressed to another stream of the server, which may be somebody else's */
  sent({ bytes }: Message, { to, from, end }: StreamFrame, id: WireId, slab: Slab): Bytes {
    if (this.#id !== undefined && (this.#server === undefined || !sameWireId(this.#server, to))) {
      throw new Error('bRPC: a frame of the stream is addressed to what is not the server’s end of it');
    }
    return from === undefined || sameWireId(from, id) ? bytes : readdressed(bytes, end, from, id, slab);
  }

  /** Undefined: the server has not told its id, and learns by the end of the connection. */
  reset(id: WireId): Bytes | undefined {
    const to = this.#id !== undefined && sameWireId(this.#id, id) ? this.#server : undefined;
    this.#id = undefined;
    return to === undefined ? undefined : [streamFrame(TYPE.RESET, to, id)];
  }

  /** The frame wraps a reply. Refused: by an error, or since no stream of the server's came of it. */
  #answer(bytes: Bytes, frame: StreamFrame): Message {
    const whole = Buffer.concat(bytes);
    const reply = whole.subarray(frame.end);
    const meta = readMeta(reply, wrappedMetaEnd(reply), new Meta(true));
    const accepted = meta.code === CODE.OK && meta.settings !== undefined && meta.settings.id > 0;
    if (accepted) this.#server = plain(meta.settings!);
    else this.#id = undefined;
    const parts = [whole.subarray(0, frame.end), reply];
    return ofStream(accepted ? 'stream-data' : 'stream-close', parts, frame, frame.to, meta);
  }
}

/** How a server refuses a stream: its first frame wraps the error, and comes from no stream. */
export function refusedStream(opening: Message, code: number, text: string): Bytes {
  const { idHigh, idLow } = metaOf(opening)!;
  return [streamFrame(TYPE.DATA, opening, NO_STREAM, errorReply(code, text, idHigh, idLow))];
}

/** What of the opening was read, if it is one: its message has the stream's id, its meta that of the call. */
export function openingIn(id: WireId): Meta | undefined {
  return id instanceof Message && id.kind === 'stream-open' ? metaOf(id) : undefined;
}

function ofStream(kind: MessageKind, bytes: Bytes, frame: StreamFrame, id: WireId, meta: Meta): Message {
  const message = new Message(kind, bytes, brpcReader, id.idHigh, id.idLow);
  meta.frame = frame;
  message.view = meta;
  return message;
}

/** Only of such a frame there is a meta that was read. */
function wraps(meta: Meta): boolean {
  return meta.end > 0;
}

/** @throws ProtocolError - it is no whole frame of a reply */
function wrappedMetaEnd(reply: Buffer): number {
  const isWhole =
    reply.length >= FIXED_BYTES &&
    MAGIC.equals(reply.subarray(0, MAGIC.length)) &&
    reply.readUInt32BE(4) === reply.length - FIXED_BYTES &&
    reply.readUInt32BE(8) <= Math.min(reply.length - FIXED_BYTES, MAX_META_BYTES);
  if (!isWhole) throw new ProtocolError('bRPC stream: its first frame does not wrap the reply to its opening');
  return FIXED_BYTES + reply.readUInt32BE(8);
}

function plain({ idHigh, idLow }: WireId): WireId {
  return { idHigh, idLow };
}

function keyOf({ idHigh, idLow }: WireId): bigint {
  return (BigInt(idHigh >>> 0) << 32n) | BigInt(idLow >>> 0);
}
