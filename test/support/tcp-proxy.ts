import { connect, createServer, type Server, type Socket } from 'node:net';

/** Stands before a port on loopback, and does to its bytes what networks do. */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Bytes are held back both ways, and nobody is told. */
  frozen = false;
  /** Bytes towards the client that are handed on at once, a turn of the event loop apart. */
  chunk = Number.POSITIVE_INFINITY;

  private constructor(target: number) {
    this.#server = createServer((client) => {
      const server = connect(target, '127.0.0.1');
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.#sockets.delete(socket);
          client.destroy();
          server.destroy();
        });
      }
      client.on('data', (bytes) => this.#hand(bytes, server));
      void this.#trickle(server, client);
    });
  }

  static async before(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Resets every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #hand(bytes: Buffer, to: Socket): void {
    if (!this.frozen) to.write(bytes);
  }

  async #trickle(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const bytes of from as AsyncIterable<Buffer>) {
        for (let at = 0; at < bytes.length; ) {
          const end = Math.min(bytes.length, at + this.chunk);
          this.#hand(bytes.subarray(at, end), to);
          at = end;
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    } catch {}
  }
}
