import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { ByteQueue } from '../../src/message/index.js';
import { FrameCodec, frame, KIND, payloadOf } from '../connection/support/frame-protocol.js';

/** A client library of the test protocol: takes a stream, numbers its requests, finds each reply's request by the number. */
export class FrameClient {
  /** Replies that belong to no request of ours, or came twice. */
  stray = 0;
  /** Resolves when the other side has ended or the stream is gone. */
  readonly ended: Promise<void>;
  readonly closed: Promise<void>;
  #next = 1;
  readonly #waiting = new Map<number, (answer: string) => void>();
  readonly #queue = new ByteQueue();
  readonly #codec = new FrameCodec(true, 'error');

  constructor(readonly stream: Duplex) {
    this.ended = new Promise((resolve) => {
      stream.once('end', resolve);
      stream.once('close', resolve);
    });
    this.closed = new Promise((resolve) => stream.once('close', () => resolve()));
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => this.#read(chunk));
    stream.once('close', () => {
      for (const answer of this.#waiting.values()) answer('closed');
      this.#waiting.clear();
    });
  }

  static dial(port: number): FrameClient {
    return new FrameClient(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
  }

  /** The payload of the reply, that of an error with `error: ` before it, or `closed`. */
  call(payload: string): Promise<string> {
    const id = this.#next++;
    this.stream.write(frame(KIND.request, 0, id, payload));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  oneway(payload: string): void {
    this.stream.write(frame(KIND.oneway, 0, 0, payload));
  }

  #read(chunk: Buffer): void {
    this.#queue.push(chunk);
    for (let reply = this.#codec.decode(this.#queue); reply !== null; reply = this.#codec.decode(this.#queue)) {
      const answer = this.#waiting.get(reply.idLow);
      this.#waiting.delete(reply.idLow);
      if (answer === undefined) this.stray++;
      else answer(reply.kind === 'error' ? `error: ${payloadOf(reply)}` : payloadOf(reply));
    }
  }
}
