import { type Attempt, Failure, type Outcome } from '../../call/index.js';
import type { Bytes, Codec, Message } from '../../message/index.js';
import type { FrameWriter } from '../frame-writer.js';
import type { Ledger } from './ledger.js';

/**
 * The streams of one upstream connection, beside its calls: the attempt that opened a stream stands in the ledger, under the
 * id that the connection gave it, until the stream has ended. What comes late, for a stream that is over, reaches nobody.
 *
 * An end that is ours (the opener's own, or a call that ended otherwise) is told to the peer, and its connection closed once
 * that is written: a peer may take the end of the connection for the only sign. So there is no tombstone.
 */
export class UpstreamStreams {
  /** Those that were told to wait until the connection takes more. */
  readonly #held = new Set<Attempt>();

  constructor(
    private readonly calls: Ledger,
    private readonly codec: Codec,
    private readonly writer: FrameWriter,
    private readonly write: (bytes: Bytes) => void,
  ) {}

  /** @see Connection.push */
  push(attempt: Attempt, message: Message): boolean {
    if (this.calls.streamOf(attempt) !== attempt) return true;
    let bytes: Bytes;
    try {
      bytes = this.codec.encode(message, attempt);
    } catch (error) {
      attempt.end(Failure.from(error, 'encode', 'ENCODE_FAILED'));
      return true;
    }
    this.write(bytes);
    if (message.kind === 'stream-close') this.#over(attempt);
    else if (this.writer.full) this.#held.add(attempt);
    return !this.#held.has(attempt);
  }

  /** @returns false: it is of no stream that is open here */
  receive(message: Message): boolean {
    const attempt = this.calls.streamOf(message);
    if (attempt === undefined) return false;
    if (message.kind === 'stream-close') {
      this.#held.delete(attempt);
      this.calls.deliver(message);
    } else {
      attempt.streamed(message);
    }
    return true;
  }

  /** The call that opened it has ended. @returns false: it is not here any more, or there are no words for it */
  reset(attempt: Attempt, outcome: Outcome): boolean {
    if (this.codec.reset === undefined || this.calls.streamOf(attempt) !== attempt) return false;
    const bytes = this.codec.reset(attempt, outcome instanceof Failure ? outcome : SUPERSEDED);
    if (bytes !== undefined) this.write(bytes);
    this.#over(attempt);
    return true;
  }

  /** The connection may take more again. */
  moved(): void {
    if (this.#held.size === 0 || this.writer.full) return;
    const held = [...this.#held];
    this.#held.clear();
    for (const attempt of held) attempt.pass.call.stream?.resume();
  }

  #over(attempt: Attempt): void {
    this.#held.delete(attempt);
    this.calls.end(attempt);
  }
}

const SUPERSEDED = { code: 'CANCELLED', message: 'CANCELLED: the stream has another answer' } as const;
