import { connect, type Socket } from 'node:net';
import { Observable, type Subscriber } from 'rxjs';
import type { CallsMessages } from '../../../../../adapters/protocols/dubbo/client/client.js';
import { dubbo } from '../../../../../adapters/protocols/dubbo/protocol.js';
import { type Destination, Failure, Reply, WRITTEN } from '../../../../../src/call/index.js';
import type { CallOptions } from '../../../../../src/index.js';
import { ByteQueue, type Message } from '../../../../../src/message/index.js';

/** As little of a mesh as a client needs: one connection, ids in turn, no rules. */
export class SocketMesh implements CallsMessages {
  readonly #codec = dubbo.open('upstream');
  readonly #input = new ByteQueue();
  readonly #waiting = new Map<number, Subscriber<Reply>>();
  readonly #socket: Socket;
  #nextId = 1;
  /** What the last call was given beside the message. */
  lastOptions: CallOptions | undefined;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('data', (chunk: Buffer) => {
      this.#input.push(chunk);
      for (let message = this.#codec.decode(this.#input); message !== null; message = this.#codec.decode(this.#input)) {
        this.#take(message);
      }
    });
    this.#socket.on('close', () => {
      for (const caller of this.#waiting.values()) caller.error(new Failure('CONNECTION_LOST', { sent: 'maybe' }));
      this.#waiting.clear();
    });
    this.#socket.on('error', () => {});
  }

  call(_: Destination, message: Message, options?: CallOptions): Observable<Reply> {
    return new Observable((subscriber) => {
      this.lastOptions = options;
      const id = this.#nextId++;
      for (const piece of this.#codec.encode(message, { idHigh: 0, idLow: id })) this.#socket.write(piece);
      if (message.kind === 'oneway') {
        subscriber.next(WRITTEN);
        subscriber.complete();
        return;
      }
      this.#waiting.set(id, subscriber);
      return () => this.#waiting.delete(id);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(reply: Message): void {
    const caller = this.#waiting.get(reply.idLow);
    this.#waiting.delete(reply.idLow);
    caller?.next(new Reply(reply, dubbo.classify?.(reply)));
    caller?.complete();
  }
}
