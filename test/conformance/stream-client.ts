import type { Duplex } from 'node:stream';
import { Observable, type Subscriber } from 'rxjs';
import type { CallsMessages } from '../../adapters/protocols/dubbo/index.js';
import { dubbo } from '../../adapters/protocols/dubbo/index.js';
import { type Message, Reply } from '../../src/index.js';
import { ByteQueue } from '../../src/message/index.js';

/** Calls over a stream, as any Dubbo client does: no mesh on this side of it. */
export class StreamClient implements CallsMessages {
  readonly #waiting = new Map<number, Subscriber<Reply>>();
  readonly #codec = dubbo.open('upstream');
  readonly #queue = new ByteQueue();
  #next = 1;

  constructor(readonly stream: Duplex) {
    stream.on('data', (chunk: Buffer) => this.#read(chunk));
    stream.on('error', () => {}); // `close` follows
    stream.once('close', () => {
      for (const waiting of this.#waiting.values()) waiting.error(new Error('the stream was closed'));
    });
  }

  call(_destination: unknown, message: Message): Observable<Reply> {
    return new Observable((subscriber) => {
      const idLow = this.#next++;
      this.#waiting.set(idLow, subscriber);
      for (const piece of this.#codec.encode(message, { idHigh: 0, idLow })) this.stream.write(piece);
    });
  }

  close(): void {
    this.stream.destroy();
  }

  #read(chunk: Buffer): void {
    this.#queue.push(chunk);
    for (let it = this.#codec.decode(this.#queue); it !== null; it = this.#codec.decode(this.#queue)) {
      const waiting = this.#waiting.get(it.idLow);
      this.#waiting.delete(it.idLow);
      waiting?.next(new Reply(it));
      waiting?.complete();
    }
  }
}
