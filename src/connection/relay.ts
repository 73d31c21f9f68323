/**
 * Two streams joined byte for byte: for destinations that are none of the mesh's, and for what a sidecar governs. Each holds
 * the other back, an end of one direction closes that direction only, and one that is destroyed takes the other with it,
 * for the same reason.
 *
 * A relay that is given a {@link Successor} reads along, to know when the first stream is between two calls: every byte
 * that passed belongs to a whole message, and every request has its reply. At such a moment, and only then, the stream can
 * be served in another way, from the next request on, with nothing lost. Bytes that are not of the protocol, replies that
 * nobody asked for and streaming calls end the reading along; the relay goes on to the end, as one without.
 */
import type { Duplex } from 'node:stream';
import { ByteQueue, type Codec, type Message, type Protocol, type Side } from '../message/index.js';
import type { Expirable, Runtime } from '../runtime/index.js';
import { closeGently } from './linger.js';
import type { Drainable } from './listener.js';

/** What serves the first stream of a {@link Relay} from some quiet moment on. */
export interface Successor {
  /** What is spoken on the streams. */
  readonly protocol: Protocol;
  /** Asked at each quiet moment: shall the stream be handed over? */
  wanted(): boolean;
  /** Takes the stream over. */
  take(stream: Duplex): Drainable;
}

export class Relay implements Drainable, Expirable {
  /** Resolves when the first stream is closed, or served in another way. */
  readonly closed: Promise<void>;
  #over!: () => void;
  #next: Drainable | undefined;
  #watch: Watch | undefined;
  #draining = false;
  readonly #untie: (() => void)[] = [];

  constructor(
    private readonly stream: Duplex,
    private readonly other: Duplex,
    private readonly runtime: Runtime,
    successor?: Successor,
  ) {
    this.closed = new Promise((resolve) => {
      this.#over = resolve;
    });
    // Else the one ends, and closes, with the other's end: the rest of what its client sends and has to read would be lost.
    stream.allowHalfOpen = true;
    other.allowHalfOpen = true;
    stream.pipe(other);
    other.pipe(stream);
    this.#tie(stream, other);
    this.#tie(other, stream);
    this.#on(stream, 'close', this.#over);
    if (successor !== undefined) this.#follow(successor);
  }

  /**
   * Goes on for so long, as nobody can tell what is under way, and cuts what is left. Of a stream that was handed over, what
   * its successor makes of it.
   */
  async drain(timeoutMs: number): Promise<void> {
    if (this.#next !== undefined) return this.#next.drain(timeoutMs);
    this.#draining = true;
    const timer = this.runtime.timers.arm(timeoutMs, this);
    timer.ref();
    await this.closed;
    timer.cancel();
  }

  expired(): void {
    this.stream.destroy();
  }

  #tie(from: Duplex, to: Duplex): void {
    this.#on(from, 'error', (error: Error) => to.destroy(error));
    this.#on(from, 'close', () => {
      if (!from.readableEnded || !to.readableEnded) to.destroy();
    });
  }

  #follow(successor: Successor): void {
    const watch = new Watch(successor.protocol);
    this.#watch = watch;
    const read = (tap: Tap) => (chunk: Buffer) => {
      if (!watch.read(tap, chunk)) this.#unfollow();
      else if (watch.quiet && successor.wanted()) process.nextTick(() => this.#handOver(successor));
    };
    this.#on(this.stream, 'data', read(watch.requests));
    this.#on(this.other, 'data', read(watch.replies));
  }

  #unfollow(): void {
    this.#watch = undefined;
    for (const untie of this.#untie.splice(-2)) untie();
  }

  /** Once the chunk of the moment is with both sides; what came since may have begun another call. */
  #handOver(successor: Successor): void {
    const { stream, other } = this;
    if (this.#watch?.quiet !== true || this.#draining || stream.destroyed || stream.readableEnded) return;
    this.#watch = undefined;
    stream.unpipe(other);
    other.unpipe(stream);
    for (const untie of this.#untie.splice(0)) untie();
    other.on('error', () => {}); // its end is of no interest any more
    closeGently(other, this.runtime);
    this.#next = successor.take(stream);
    stream.resume();
    this.#over();
  }

  #on(stream: Duplex, event: string, listener: (...args: never[]) => void): void {
    stream.on(event, listener as () => void);
    this.#untie.push(() => stream.off(event, listener as () => void));
  }
}

/** What passes between a client and a server, as far as it must be known to see that nothing is under way. */
class Watch {
  readonly requests: Tap;
  readonly replies: Tap;
  /** Requests that have no reply yet. */
  #unanswered = 0;

  constructor(protocol: Protocol) {
    this.requests = new Tap(protocol, 'downstream');
    this.replies = new Tap(protocol, 'upstream');
  }

  get quiet(): boolean {
    return this.#unanswered === 0 && this.requests.whole && this.replies.whole;
  }

  /** @returns whether it makes sense. */
  read(tap: Tap, chunk: Buffer): boolean {
    return tap.read(chunk, this.#count) && this.#unanswered >= 0;
  }

  readonly #count = ({ kind }: Message): boolean => {
    if (kind === 'request') this.#unanswered++;
    else if (kind === 'response' || kind === 'error') this.#unanswered--;
    return kind !== 'stream-open' && kind !== 'stream-data' && kind !== 'stream-close';
  };
}

/** One direction. */
class Tap {
  readonly #queue = new ByteQueue();
  readonly #codec: Codec;
  /** Bytes that came and are not of a whole message yet; the codec may have taken them already. */
  #pending = 0;

  constructor(protocol: Protocol, side: Side) {
    this.#codec = protocol.open(side);
  }

  get whole(): boolean {
    return this.#pending === 0;
  }

  /** @returns false if the bytes are not of the protocol, or `told` makes no sense of a message */
  read(chunk: Buffer, told: (message: Message) => boolean): boolean {
    this.#queue.push(chunk);
    this.#pending += chunk.length;
    try {
      for (;;) {
        const message = this.#codec.decode(this.#queue);
        if (message === null) return true;
        this.#pending -= message.size;
        if (!told(message)) return false;
      }
    } catch {
      return false;
    }
  }
}
