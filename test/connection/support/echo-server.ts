import { createServer, type Server, type Socket } from 'node:net';
import { ByteQueue, type Message } from '../../../src/message/index.js';
import { FrameCodec, frame, KIND, payloadOf } from './frame-protocol.js';

/** A server of the test protocol that answers each request as its script says. @defaultValue echoes the payload */
export type Script = (request: Message, socket: Socket) => void;

export const echo: Script = (request, socket) => {
  if (request.kind === 'request') answer(socket, request, payloadOf(request));
  else if (request.tag === KIND.ping) socket.write(frame(KIND.pong, request.idHigh, request.idLow, ''));
};

export function answer(socket: Socket, request: Message, payload: string): void {
  socket.write(frame(KIND.response, request.idHigh, request.idLow, payload));
}

export class EchoServer {
  readonly sockets = new Set<Socket>();
  readonly requests: Message[] = [];
  accepted = 0;
  script: Script;
  #server: Server;
  #waiters: (() => void)[] = [];

  constructor(script: Script = echo) {
    this.script = script;
    this.#server = createServer((socket) => {
      this.accepted++;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => {});
      const codec = new FrameCodec(true, 'error');
      const queue = new ByteQueue();
      socket.on('data', (chunk) => {
        queue.push(chunk as Buffer);
        for (let m = codec.decode(queue); m !== null; m = codec.decode(queue)) {
          this.requests.push(m);
          this.script(m, socket);
        }
        this.#wake();
      });
      this.#wake();
    });
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Resolves once `condition` holds; looked at whenever something arrives. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}
