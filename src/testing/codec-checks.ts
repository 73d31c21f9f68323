import { ByteQueue, type Bytes, type Codec, MAX_MESSAGE_BYTES, type Message, ProtocolError } from '../message/index.js';
import { attributes, feed, generator, portrait, readAll, same, sameBytes, samePortrait } from './codec-bytes.js';
import type { CodecKitOptions, Sample } from './codec-samples.js';

/** A message longer than this is cut at a choice of places instead of everywhere. */
const CUT_EVERYWHERE_UP_TO = 2048;
const CUTS = 64;

/** Bytes that lengths and tags turn on. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff];

/** Codes of failures that leave open whether the request ran. */
const MAY_HAVE_RUN = ['DEADLINE', 'ATTEMPT_TIMEOUT', 'CONNECTION_LOST', 'COLLATERAL', 'BAD_REPLY', 'REPLY_TOO_LARGE'];

/** The checks of {@link codecKit}. Each throws with what it found. */
export class CodecChecks {
  readonly #random: () => number;
  readonly #runs: number;

  constructor(
    readonly options: CodecKitOptions,
    readonly samples: readonly Sample[],
  ) {
    this.#random = generator(options.seed ?? 1);
    this.#runs = options.runs ?? 2000;
  }

  each(check: (this: CodecChecks, sample: Sample) => void): void {
    for (const sample of this.samples) {
      try {
        check.call(this, sample);
      } catch (error) {
        throw new Error(`${sample.name}: ${error instanceof Error ? error.message : error}`, { cause: error });
      }
    }
  }

  whole(sample: Sample): void {
    const { message } = this.#decoded(sample);
    same(message.size, sample.bytes.length, 'bytes of the message');
    readAll(message);
  }

  split(sample: Sample): void {
    const { bytes } = sample;
    const expected = portrait(this.#decoded(sample).message);
    const everywhere = bytes.length <= CUT_EVERYWHERE_UP_TO;
    for (let i = 1; i < (everywhere ? bytes.length : CUTS); i++) {
      const cut = everywhere ? i : 1 + this.#upTo(bytes.length - 1);
      const [message, ...more] = this.#feed(sample, [bytes.subarray(0, cut), bytes.subarray(cut)]);
      if (message === undefined || more.length > 0) throw new Error(`cut at ${cut}: ${more.length + 1} messages`);
      samePortrait(message, expected, `cut at ${cut}`);
    }
  }

  bytewise(sample: Sample): void {
    const chunks: Buffer[] = Array.from(sample.bytes.subarray(0, 16 * 1024), (byte) => Buffer.of(byte));
    chunks.push(sample.bytes.subarray(16 * 1024));
    const messages = this.#feed(sample, chunks);
    same(messages.length, 1, 'messages');
    samePortrait(messages[0]!, portrait(this.#decoded(sample).message), 'byte by byte');
  }

  coalesced(): void {
    for (const side of ['downstream', 'upstream'] as const) {
      const samples = this.samples.filter((it) => it.side === side);
      const all = Buffer.concat(samples.map((it) => it.bytes));
      const expected = samples.map((it) => portrait(this.#decoded(it).message));
      for (let largest = all.length; largest >= 1; largest = Math.floor(largest / 7)) {
        const chunks: Buffer[] = [];
        for (let at = 0; at < all.length; ) {
          const size = largest === all.length ? largest : 1 + this.#upTo(largest);
          chunks.push(all.subarray(at, at + size));
          at += size;
        }
        const codec = this.#prepared(samples);
        const messages = feed(codec, chunks);
        same(messages.length, samples.length, `messages of the ${side} stream in chunks up to ${largest}`);
        for (let i = 0; i < samples.length; i++) {
          samePortrait(messages[i]!, expected[i]!, `${samples[i]!.name}, in chunks up to ${largest}`);
        }
      }
    }
  }

  truncated(sample: Sample): void {
    const { bytes } = sample;
    const everywhere = bytes.length <= CUT_EVERYWHERE_UP_TO;
    for (let i = 0; i < (everywhere ? bytes.length : CUTS); i++) {
      const length = everywhere ? i : this.#upTo(bytes.length);
      same(this.#feed(sample, [bytes.subarray(0, length)]).length, 0, `messages in the first ${length} bytes`);
    }
  }

  tooLong(sample: Sample): void {
    const { bytes } = sample;
    const exact = this.#prepared([sample], bytes.length);
    same(feed(exact, [bytes]).length, 1, 'messages of just the maximum size');
    const codec = this.#prepared([sample], bytes.length - 1);
    try {
      const chunks = Array.from({ length: Math.ceil(bytes.length / 64) }, (_, i) =>
        bytes.subarray(i * 64, i * 64 + 64),
      );
      const messages = feed(codec, chunks);
      // A reply may be swallowed and replaced by one that says so, which spares the other calls of its connection.
      if (messages.length === 1 && sample.side === 'upstream' && messages[0]!.kind === 'error') return;
      throw new Error(`${messages.length} messages over the maximum size were taken`);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  noise(): void {
    for (let run = 0; run < this.#runs; run++) {
      const length = 1 + this.#upTo(run % 10 === 0 ? 5000 : 300);
      // Four at a time: to draw them is most of the time of this check.
      const words = new Uint32Array(Math.ceil(length / 4));
      for (let i = 0; i < words.length; i++) words[i] = this.#random() * 2 ** 32;
      const bytes = Buffer.from(words.buffer, 0, length);
      const side = run % 2 === 0 ? 'downstream' : 'upstream';
      this.#survives(this.options.protocol.open(side), bytes, `noise ${run}`);
    }
  }

  changed(): void {
    for (let run = 0; run < this.#runs; run++) {
      const sample = this.samples[this.#upTo(this.samples.length)]!;
      const bytes = Buffer.from(sample.bytes.subarray(0, 64 * 1024));
      const changes = 1 + this.#upTo(4);
      for (let i = 0; i < changes; i++) {
        const at = this.#upTo(i % 2 === 0 ? Math.min(bytes.length, 64) : bytes.length);
        bytes[at] = this.#upTo(3) === 0 ? EDGES[this.#upTo(EDGES.length)]! : this.#upTo(256);
      }
      this.#survives(this.#prepared([sample]), bytes, `changed sample ${run} (${sample.name})`);
    }
  }

  roundTrip(sample: Sample): void {
    const { codec, message } = this.#decoded(sample);
    sameBytes(Buffer.concat(codec.encode(message)), sample.bytes, 'encoded');
    sameBytes(Buffer.concat(codec.encode(message, message)), sample.bytes, 'encoded under its own id');
  }

  renumbered(sample: Sample): void {
    const { codec, message } = this.#decoded(sample);
    if (message.kind === 'heartbeat' || message.kind === 'event') return;
    for (const id of [
      { idHigh: 0, idLow: 0x01020304 },
      { idHigh: message.idHigh, idLow: ~message.idLow },
    ]) {
      const sent = Buffer.concat(codec.encode(message, id));
      sameBytes(Buffer.concat(message.bytes), sample.bytes, 'the message after encode');
      const [arrived] = this.#feed(sample, [sent]);
      if (arrived === undefined) throw new Error('nothing decoded under another id');
      same(arrived.idLow >>> 0, id.idLow >>> 0, 'id');
      sameBytes(Buffer.concat(codec.encode(arrived, message)), sample.bytes, 'with its id restored');
    }
  }

  mutated(sample: Sample): void {
    const { codec, message } = this.#decoded(sample);
    const mutation = this.options.mutation!;
    const mutable = this.options.mutable ?? ((it) => it.kind === 'request' || it.kind === 'oneway');
    if (!mutable(message, sample)) return;
    const before = attributes(message);
    const sent = Buffer.concat(codec.encode(message, message, mutation));
    sameBytes(Buffer.concat(message.bytes), sample.bytes, 'the message after a mutation');
    const [arrived, ...more] = this.#feed(sample, [sent]);
    if (arrived === undefined || more.length > 0) throw new Error('a mutated message is no message');
    const after = attributes(arrived);
    for (const [key, value] of mutation.entries()) {
      same(arrived.get(key), value, `attribute ${key}, mutated`);
      before.delete(key.toLowerCase());
      after.delete(key.toLowerCase());
    }
    same(JSON.stringify([...after].sort()), JSON.stringify([...before].sort()), 'the other attributes');
    same(arrived.kind, message.kind, 'kind');
    same(arrived.idLow, message.idLow, 'id');
  }

  unpinned(sample: Sample): void {
    const chunk = Buffer.concat([sample.bytes, Buffer.alloc(64 * 1024)]);
    const codec = this.#prepared([sample]);
    const input = new ByteQueue();
    input.push(chunk.subarray(0, sample.bytes.length));
    const message = codec.decode(input);
    if (message === null) throw new Error('no message');
    const half = message.operation;
    message.unpin();
    chunk.fill(0xff);
    if (message.bytes.length === 1 && message.bytes[0]!.buffer === chunk.buffer) return;
    same(message.operation, half, 'operation');
    samePortrait(message, portrait(this.#decoded(sample).message), 'copied out');
  }

  rejected(sample: Sample): void {
    if (sample.side !== 'downstream') return;
    const { codec, message } = this.#decoded(sample);
    const frame = codec.reject(message, { code: 'NO_ROUTE', message: 'NO_ROUTE: no route of the service matches' });
    const opens = message.kind === 'stream-open';
    if (message.kind !== 'request' && !opens) {
      same(frame, undefined, `answer to a ${message.kind}`);
      return;
    }
    if (frame === 'close') return;
    if (frame === undefined) throw new Error('a request is refused in silence: its caller hangs');
    const [reply, ...more] = this.#feed({ ...sample, side: 'upstream' }, [Buffer.concat(frame)]);
    if (reply === undefined || more.length > 0) throw new Error('the refusal is no reply of the protocol');
    same(reply.idHigh >>> 0, message.idHigh >>> 0, 'id of the refusal');
    same(reply.idLow >>> 0, message.idLow >>> 0, 'id of the refusal');
    if (!opens || reply.kind !== 'stream-close') same(reply.kind, 'error', 'kind of the refusal');
    const { classify } = this.options.protocol;
    if (classify?.(reply) === 'ok') throw new Error('the refusal counts as an answer');
    for (const code of MAY_HAVE_RUN) {
      const cut = codec.reject(message, { code, message: code }) as Bytes;
      const [told] = this.#feed({ ...sample, side: 'upstream' }, [Buffer.concat(cut)]);
      if (classify?.(told!) === 'rejected')
        throw new Error(`${code} is told as if nothing had run: it would be run again`);
    }
  }

  reset(sample: Sample): void {
    if (sample.side !== 'downstream') return;
    const { codec, message } = this.#decoded(sample);
    if (message.kind !== 'stream-open') return;
    this.#ends(codec, message, { ...sample, side: 'upstream' });
    const { reply } = sample.exchange;
    const client = this.#prepared([{ ...sample, side: 'upstream' }]);
    const answer = reply === undefined ? undefined : feed(client, [reply])[0];
    // A server that has not answered may have to learn it by the end of the connection.
    this.#ends(client, message, sample, answer?.kind !== 'stream-data');
  }

  /** @param reader - has the side that is told */
  #ends(codec: Codec, opening: Message, reader: Sample, mayBeSilent = false): void {
    const frame = codec.reset?.(opening, { code: 'CONNECTION_LOST', message: 'CONNECTION_LOST: gone' });
    if (frame === undefined && mayBeSilent) return;
    if (frame === undefined) throw new Error('a stream that is lost ends in silence: who uses it hangs');
    const { side } = reader;
    const [end, ...more] = this.#feed(reader, [Buffer.concat(frame)]);
    if (end === undefined || more.length > 0) throw new Error(`the end of a stream is no message to ${side}`);
    same(end.kind, 'stream-close', `kind of a stream's end, ${side}`);
    same(end.idHigh >>> 0, opening.idHigh >>> 0, "id of a stream's end");
    same(end.idLow >>> 0, opening.idLow >>> 0, "id of a stream's end");
  }

  heartbeat(): void {
    const { protocol } = this.options;
    const server = protocol.open('downstream');
    const client = protocol.open('upstream');
    const probe = feed(server, [Buffer.concat(protocol.heartbeat!())]);
    same(probe.length, 1, 'messages of a heartbeat');
    same(probe[0]!.kind, 'heartbeat', 'kind of a heartbeat');
    const answer = server.answer?.(probe[0]!);
    if (answer === undefined) throw new Error('a heartbeat is not answered');
    const echo = feed(client, [Buffer.concat(answer)]);
    same(echo[0]?.kind, 'heartbeat', 'kind of the answer');
    same(client.answer?.(echo[0]!), undefined, 'answer to an answer');
  }

  /** A codec that knows what it must of these samples: one that reads replies has sent their requests. */
  #prepared(samples: readonly Sample[], maxMessageBytes = MAX_MESSAGE_BYTES): Codec {
    const { protocol } = this.options;
    const codec = protocol.open(samples[0]?.side ?? 'downstream', { maxMessageBytes });
    for (const { side, exchange } of samples) {
      if (side !== 'upstream' || exchange.request === undefined) continue;
      const request = feed(protocol.open('downstream'), [exchange.request])[0];
      if (request !== undefined) codec.encode(request);
    }
    return codec;
  }

  #decoded(sample: Sample): { codec: Codec; message: Message } {
    const codec = this.#prepared([sample]);
    const messages = feed(codec, [sample.bytes]);
    same(messages.length, 1, 'messages');
    return { codec, message: messages[0]! };
  }

  #feed(sample: Sample, chunks: readonly Buffer[]): Message[] {
    return feed(this.#prepared([sample]), chunks);
  }

  #survives(codec: Codec, bytes: Buffer, what: string): void {
    let messages: Message[] = [];
    try {
      try {
        messages = feed(codec, [bytes]);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
      for (const message of messages) {
        readAll(message);
        codec.reject(message, { code: 'INTERNAL', message: 'INTERNAL' });
        codec.answer?.(message);
        this.#encodes(codec, message);
      }
    } catch (error) {
      const how = error instanceof Error ? error.stack : error;
      throw new Error(`${what}, seed ${this.options.seed ?? 1}: ${how}\n${bytes.toString('hex', 0, 400)}`);
    }
  }

  /** Bytes that nobody has vouched for: another id or a mutation may be impossible, but is refused in words. */
  #encodes(codec: Codec, message: Message): void {
    refusedInWords(() => codec.encode(message, { idHigh: 1, idLow: 2 }));
    const { mutation } = this.options;
    if (mutation !== undefined) refusedInWords(() => codec.encode(message, message, mutation));
  }

  #upTo(n: number): number {
    return Math.floor(this.#random() * n);
  }
}

function refusedInWords(encode: () => Bytes): void {
  try {
    encode();
  } catch (error) {
    if ((error as Error).name !== 'Error') throw error;
  }
}
