import {
  type ByteQueue,
  type Bytes,
  byteLength,
  type Codec,
  type CodecOptions,
  contiguous,
  MAX_MESSAGE_BYTES,
  Message,
  type MessageKind,
  type Mutation,
  type Protocol,
  ProtocolError,
  type Rejection,
  type Sharing,
  type WireId,
} from '../../../src/message/index.js';

/**
 * The smallest protocol that has everything: magic, kind, 64-bit id, length, payload. The payload is text; a mutation's
 * values are appended to it. Without `ids` the id field is 0 on the wire whatever is asked for.
 */
export const HEAD = 14;
const MAGIC = 0xf7;
const KINDS: readonly MessageKind[] = ['request', 'oneway', 'response', 'error', 'heartbeat', 'heartbeat', 'event'];
const PING = 4;
const PONG = 5;

const reader = {
  operation: () => 'frame',
  get: (message: Message, key: string) => (key === 'payload' ? payloadOf(message) : undefined),
  keys: () => ['payload'],
};

export interface FrameOptions {
  readonly sharing?: Sharing;
  readonly ids?: boolean;
  readonly heartbeats?: boolean;
  /** Refusals are put on the wire as this. */
  readonly refusal?: 'error' | 'close';
}

export function frameProtocol(options: FrameOptions = {}): Protocol {
  const { sharing = 'multiplexed', ids = true, heartbeats = false, refusal = 'error' } = options;
  return {
    name: `frame-${sharing}`,
    sharing,
    open: (_side, codecOptions) => new FrameCodec(ids, refusal, codecOptions),
    ...(heartbeats ? { heartbeat: () => [frame(PING, 0, 7, '')] } : {}),
    unsolicited: (event) => (payloadOf(event) === 'drain' ? 'drain' : 'ignore'),
  };
}

export function frame(kind: number, idHigh: number, idLow: number, payload: string | Buffer): Buffer {
  const body = Buffer.from(payload);
  const bytes = Buffer.alloc(HEAD + body.length);
  bytes[0] = MAGIC;
  bytes[1] = kind;
  bytes.writeUInt32BE(idHigh >>> 0, 2);
  bytes.writeUInt32BE(idLow >>> 0, 6);
  bytes.writeUInt32BE(body.length, 10);
  body.copy(bytes, HEAD);
  return bytes;
}

export const KIND = { request: 0, oneway: 1, response: 2, error: 3, ping: PING, pong: PONG, event: 6 } as const;

/** A message as if it had been read. */
export function message(kind: keyof typeof KIND, payload: string, idLow = 0, idHigh = 0): Message {
  const bytes = frame(KIND[kind], idHigh, idLow, payload);
  return new Message(KINDS[KIND[kind]]!, [bytes], reader, idHigh, idLow, KIND[kind]);
}

export function payloadOf(message: Message): string {
  return contiguous(message.bytes).toString('utf8', HEAD);
}

export class FrameCodec implements Codec {
  constructor(
    private readonly ids: boolean,
    private readonly refusal: 'error' | 'close',
    private readonly options: CodecOptions = {},
  ) {}

  decode(input: ByteQueue): Message | null {
    if (input.length > 0 && input.at(0) !== MAGIC) throw new ProtocolError(`magic ${input.at(0)}`);
    const head = input.peek(HEAD);
    if (head === null) return null;
    const kind = head[1]!;
    if (kind >= KINDS.length) throw new ProtocolError(`kind ${kind}`);
    const length = head.readUInt32BE(10);
    if (length > (this.options.maxMessageBytes ?? MAX_MESSAGE_BYTES)) throw new ProtocolError(`length ${length}`);
    if (input.length < HEAD + length) return null;
    const [idHigh, idLow] = [head.readInt32BE(2), head.readInt32BE(6)];
    return new Message(KINDS[kind]!, input.take(HEAD + length), reader, idHigh, idLow, kind);
  }

  encode(message: Message, id: WireId = message, mutation?: Mutation): Bytes {
    const appended = mutation === undefined ? '' : [...mutation.entries()].map(([, value]) => value).join('');
    if (appended.includes('unencodable')) throw new Error('unencodable');
    const head = Buffer.from(contiguous(message.bytes).subarray(0, HEAD));
    head.writeUInt32BE(this.ids ? id.idHigh >>> 0 : 0, 2);
    head.writeUInt32BE(this.ids ? id.idLow >>> 0 : 0, 6);
    head.writeUInt32BE(byteLength(message.bytes) - HEAD + Buffer.byteLength(appended), 10);
    const rest = contiguous(message.bytes).subarray(HEAD);
    return appended === '' ? [head, rest] : [head, rest, Buffer.from(appended)];
  }

  reject(request: Message, failure: Rejection): Bytes | 'close' | undefined {
    if (request.kind === 'oneway') return undefined;
    if (this.refusal === 'close') return 'close';
    return [frame(KIND.error, this.ids ? request.idHigh : 0, this.ids ? request.idLow : 0, failure.message)];
  }

  answer(event: Message): Bytes | undefined {
    return event.tag === PING ? [frame(PONG, event.idHigh, event.idLow, '')] : undefined;
  }
}
