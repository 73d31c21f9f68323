import { type Bytes, byteLength } from './bytes.js';
import { SLAB_BYTES, Slab } from './slab.js';
import type { WireId } from './wire-id.js';

/**
 * What a message is to the mesh, whatever its protocol. `error`: a reply that reports a failure, of the framework or of
 * the business. `event`: unsolicited, or part of a handshake.
 *
 * Messages of a stream have its id as theirs. `stream-open`: a request that opens one. `stream-data`: anything within, the
 * answer to the opening and flow control included. `stream-end`: its sender sends no more. `stream-close`: nothing more comes of it from either side; of the
 * upstream's it is the reply to the opening, with a status.
 */
export type MessageKind =
  | 'request'
  | 'oneway'
  | 'response'
  | 'error'
  | 'heartbeat'
  | 'event'
  | 'stream-open'
  | 'stream-data'
  | 'stream-end'
  | 'stream-close';

/** Attributes of a message: what rules match, hash and log. Keys are looked up lower-cased, values are case-sensitive. */
export interface Metadata {
  readonly kind: MessageKind;
  /** A short name for people, such as `DemoService/sayHello`. */
  readonly operation: string;
  /** @param key - in any letter case. */
  get(key: string): string | undefined;
  /** Keys as they stand on the wire. Decodes everything: for logs and tools, not for the call path. */
  keys(): Iterable<string>;
}

/**
 * How a protocol reads attributes out of bytes. One object for all messages of a protocol, holding no state of its own:
 * what it has read so far it keeps in `message.view`.
 */
export interface AttributeReader {
  operation(message: Message): string;
  /** @param key - lower-cased already. Decodes only as far as it must. */
  get(message: Message, key: string): string | undefined;
  keys(message: Message): Iterable<string>;
  /** A reply's status as on the wire, if the protocol has such a thing. */
  status?(message: Message): string | undefined;
}

const copies = new Slab();

/**
 * Metadata and the bytes it was read from. One class for all protocols, so that the call path sees one shape (a class
 * each costs four times as much). Shared by retries, mirrors and logs at once: never written to.
 */
export class Message implements Metadata, WireId {
  /** The reader's own scratch: offsets and values found so far. */
  view: unknown = undefined;

  constructor(
    readonly kind: MessageKind,
    public bytes: Bytes,
    private readonly reader: AttributeReader,
    readonly idHigh: number = 0,
    readonly idLow: number = 0,
    /** Protocol flags that encode and reject need again, such as a flag byte and a status. */
    readonly tag: number = 0,
  ) {}

  get operation(): string {
    return this.reader.operation(this);
  }

  get(key: string): string | undefined {
    return this.reader.get(this, lowerCased(key));
  }

  /** {@link get} for a key that is known to be lower-case: rules are compiled to such. */
  getLower(key: string): string | undefined {
    return this.reader.get(this, key);
  }

  keys(): Iterable<string> {
    return this.reader.keys(this);
  }

  get status(): string | undefined {
    return this.reader.status?.(this);
  }

  get size(): number {
    return byteLength(this.bytes);
  }

  /**
   * Copies the bytes out if they hold a much larger read chunk in memory: 400 waiting messages of 256 bytes would pin
   * 25 MB. For whoever keeps a message beyond the tick it was read in; what readers have in `view` stays true. Copies
   * are of one slab, so that doing it twice copies once; not of Node's pool, which of late is as large as a read chunk.
   */
  unpin(): void {
    if (this.bytes.length !== 1) return;
    const only = this.bytes[0]!;
    const retained = only.buffer.byteLength;
    if (retained <= SLAB_BYTES || only.length * 2 >= retained) return;
    const copy = copies.take(only.length);
    only.copy(copy);
    this.bytes = [copy];
  }
}

function lowerCased(key: string): string {
  for (let i = 0; i < key.length; i++) {
    const c = key.charCodeAt(i);
    if ((c >= 65 && c <= 90) || c > 127) return key.toLowerCase();
  }
  return key;
}
