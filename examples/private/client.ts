import { connect, type Socket } from 'node:net';
import type { Message } from 'meltemi';
import { ByteQueue, type FramedProtocol } from 'meltemi/spi';

/** A client of a private protocol that knows nothing of the mesh: one connection, calls told apart by their ids. */
export class Client {
  private readonly socket: Socket;
  private readonly waiting = new Map<number, (reply: Message) => void>();
  private id = 0;

  constructor(
    private readonly protocol: FramedProtocol,
    private readonly idField: string,
    port: number,
  ) {
    const codec = protocol.open('upstream');
    const input = new ByteQueue();
    this.socket = connect(port, '127.0.0.1').on('data', (chunk) => {
      input.push(chunk);
      for (let reply = codec.decode(input); reply !== null; reply = codec.decode(input)) {
        this.waiting.get(reply.idLow)?.(reply);
        this.waiting.delete(reply.idLow);
      }
    });
  }

  call(fields: Readonly<Record<string, number>>, body: string): Promise<Message> {
    const id = ++this.id;
    const request = this.protocol.message('request', { ...fields, [this.idField]: id }, body);
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      for (const bytes of request.bytes) this.socket.write(bytes);
    });
  }

  close(): void {
    this.socket.destroy();
  }
}
