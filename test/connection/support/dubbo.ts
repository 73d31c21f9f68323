import { createServer, type Server, type Socket } from 'node:net';
import { dubbo } from '../../../adapters/protocols/dubbo/index.js';
import { ByteQueue, contiguous, type Message } from '../../../src/message/index.js';

/** A Hessian 2 string of ASCII. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 32) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  return Buffer.concat([Buffer.of(0x53, bytes.length >> 8, bytes.length & 0xff), bytes]);
}

const BEFORE_ARGUMENT = Buffer.concat(['2.0.2', 'org.demo.Echo', '0.0.0', 'echo', 'Ljava/lang/String;'].map(text));
const ATTACHMENTS = Buffer.from('HZ');

function frame(flags: number, status: number, id: bigint, body: Buffer): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt16BE(0xdabb);
  head[2] = flags;
  head[3] = status;
  head.writeBigInt64BE(id, 4);
  head.writeInt32BE(body.length, 12);
  return Buffer.concat([head, body]);
}

export function dubboRequest(id: bigint, payload: string): Buffer {
  return frame(0xc2, 0, id, Buffer.concat([BEFORE_ARGUMENT, text(payload), ATTACHMENTS]));
}

export function read(bytes: Buffer, side: 'upstream' | 'downstream'): Message {
  const queue = new ByteQueue();
  queue.push(bytes);
  return dubbo.open(side).decode(queue)!;
}

/** The string that a request carries, or a reply returns. */
export function payloadOf(message: Message): string {
  const bytes = contiguous(message.bytes);
  const at = message.kind === 'request' ? 16 + BEFORE_ARGUMENT.length : 17;
  const long = bytes[at] === 0x53;
  const length = long ? bytes.readUInt16BE(at + 1) : bytes[at]!;
  const start = at + (long ? 3 : 1);
  return bytes.toString('latin1', start, start + length);
}

export function wireIdOf(message: Message): bigint {
  return contiguous(message.bytes).readBigInt64BE(4);
}

/** Echoes the argument as the value. Can be deaf, and keeps what each connection received. */
export class DubboEcho {
  readonly received: { id: bigint; payload: string }[][] = [];
  readonly #sockets = new Set<Socket>();
  #server!: Server;
  #deaf = false;

  async listen(): Promise<this> {
    this.#server = createServer((socket) => {
      const seen: { id: bigint; payload: string }[] = [];
      this.received.push(seen);
      this.#sockets.add(socket);
      socket.on('error', () => {});
      const [codec, queue] = [dubbo.open('downstream'), new ByteQueue()];
      socket.on('data', (chunk: Buffer) => {
        queue.push(chunk);
        for (let m = codec.decode(queue); m !== null; m = codec.decode(queue)) {
          const [id, payload] = [wireIdOf(m), payloadOf(m)];
          seen.push({ id, payload });
          socket.write(frame(0x02, 20, id, Buffer.concat([Buffer.of(0x91), text(payload)])));
        }
      });
      if (this.#deaf) socket.pause();
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  set deaf(deaf: boolean) {
    this.#deaf = deaf;
    for (const socket of this.#sockets) deaf ? socket.pause() : socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
