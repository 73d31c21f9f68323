/**
 * Which of several protocols a client speaks, by its first bytes, where a port takes more than one. The codecs themselves are
 * asked, so that nothing is said twice of how a protocol begins: one that throws is out, the first in the list that reads a
 * whole message has it, and so has one that is left alone.
 *
 * - A client that says nothing is waited for: pools connect long before they call. Protocols whose server speaks first cannot
 *   be told so.
 * - Undecided after {@link ENOUGH_BYTES}, it is the first in the list that is not out.
 * - None of them: the stream is closed, as nobody can say in which protocol to refuse.
 */
import type { Duplex } from 'node:stream';
import { ByteQueue, type Protocol } from '../../message/index.js';
import type { Drainable } from '../listener.js';

/** Far beyond what any header takes. */
const ENOUGH_BYTES = 64 * 1024;

export class Detection implements Drainable {
  readonly closed: Promise<void>;
  private readonly chunks: Buffer[] = [];
  private length = 0;
  private candidates: readonly Protocol[];
  private served: Drainable | undefined;

  /**
   * @param protocols - at least one, the preferred first
   * @param found - owns the stream from here on
   * @param nobody - told why it was closed; its error is the last codec's
   */
  constructor(
    private readonly stream: Duplex,
    protocols: readonly Protocol[],
    private readonly found: (protocol: Protocol) => Drainable,
    private readonly nobody: (error: unknown) => void,
  ) {
    this.candidates = protocols;
    this.closed = new Promise((resolve) => stream.once('close', () => resolve()));
    stream.on('error', ignore);
    stream.on('end', this.ended);
    stream.on('data', this.read);
  }

  /** A stream that has said nothing yet is cut at once: it has no call. */
  drain(timeoutMs: number): Promise<void> {
    if (this.served !== undefined) return this.served.drain(timeoutMs);
    this.stream.destroy();
    return this.closed;
  }

  private readonly ended = (): void => void this.stream.destroy();

  private readonly read = (chunk: Buffer): void => {
    this.chunks.push(chunk);
    this.length += chunk.length;
    const protocol = this.decide();
    if (protocol === undefined) return;
    const { stream } = this;
    stream.off('data', this.read);
    stream.off('end', this.ended);
    stream.pause();
    stream.unshift(Buffer.concat(this.chunks));
    this.chunks.length = 0;
    this.served = this.found(protocol);
    // It was paused by hand, and so does not flow again by itself.
    stream.resume();
  };

  private decide(): Protocol | undefined {
    let last: unknown;
    const left: Protocol[] = [];
    for (const protocol of this.candidates) {
      const input = new ByteQueue();
      for (const chunk of this.chunks) input.push(chunk);
      try {
        if (protocol.open('downstream').decode(input) !== null) return protocol;
        left.push(protocol);
      } catch (error) {
        last = error;
      }
    }
    this.candidates = left;
    if (left.length === 0) {
      this.nobody(last);
      this.stream.destroy();
      return undefined;
    }
    return left.length === 1 || this.length >= ENOUGH_BYTES ? left[0] : undefined;
  }
}

function ignore(): void {}
