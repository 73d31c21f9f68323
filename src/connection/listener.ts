import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { inRootContext } from './root-context.js';
import { plainTransport, TCP_OPTIONS, type TransportSocket } from './transport-socket.js';

/** Tells our servers from the app's, where both pass the same place; the same in each copy of the package. */
const LISTENER = Symbol.for('meltemi.listener');

/** Where to listen. */
export type ListenAddress =
  /** `port` 0: any that is free. @defaultValue host 127.0.0.1 */
  { readonly port: number; readonly host?: string } | { readonly path: string };

export interface ListenOptions {
  /** @defaultValue plain */
  readonly transport?: TransportSocket;
  /** A connection could not be accepted, for want of descriptors, say; those that are served go on. @defaultValue a process warning */
  readonly problem?: (error: Error) => void;
}

/** What serves an accepted stream, for a {@link Listener} that closes in order. */
export interface Drainable {
  drain(timeoutMs: number): Promise<void>;
}

/**
 * Accepts connections, on the loopback interface unless told otherwise: who listens to the world says so.
 *
 * Sockets are half-open, so that a client which ends its side still gets its replies, and live in the root async context.
 * @param serve - is given each stream, and owns it; returns what drains it
 * @throws the system's error, such as EADDRINUSE, with the address in its message.
 */
export async function listen(
  address: ListenAddress,
  serve: (stream: Duplex) => Drainable,
  options: ListenOptions = {},
): Promise<Listener> {
  const listener = new Listener(serve, options.transport ?? plainTransport, options.problem ?? warn);
  await listener.open(address);
  return listener;
}

/** A port that is listened on, and the streams that came of it. Made by `mesh.listen` and `mesh.serve`. */
export class Listener implements AsyncDisposable {
  readonly #server: Server;
  readonly #streams = new Map<Duplex, Drainable>();
  #closing: Promise<void> | undefined = undefined;
  /** Resolves when it accepts no more and all that was served is closed, whoever closed it. */
  readonly closed: Promise<void>;

  /** @internal Use {@link listen}. */
  constructor(
    private readonly serve: (stream: Duplex) => Drainable,
    private readonly transport: TransportSocket,
    private readonly problem: (error: Error) => void,
  ) {
    const accept = (socket: Socket) => this.#accept(socket);
    this.#server = inRootContext(() => createServer({ allowHalfOpen: true, ...TCP_OPTIONS }, accept));
    Object.defineProperty(this.#server, LISTENER, { value: true });
    this.closed = new Promise((resolve) => this.#server.once('close', resolve));
  }

  /** @internal */
  open(address: ListenAddress): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      inRootContext(() =>
        this.#server.listen('path' in address ? address : { host: '127.0.0.1', ...address }, () => {
          this.#server.off('error', reject);
          this.#server.on('error', this.problem);
          resolve();
        }),
      );
    });
  }

  /** The port listened on; 0 for a unix socket. */
  get port(): number {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  }

  /** Streams that are being served. */
  get connections(): number {
    return this.#streams.size;
  }

  /** Accepts no more. What is being served goes on as before, new calls included; {@link close} ends that too. */
  stop(): void {
    this.#closing ??= new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /**
   * Accepts no more, and drains what is being served: calls under way are answered. What is left after `drainMs` is cut.
   * Resolves when all is closed.
   * @param drainMs - defaults to 0
   */
  close(drainMs = 0): Promise<void> {
    this.stop();
    const drained = [...this.#streams].map(([stream, served]) => {
      const closed = new Promise((resolve) => stream.once('close', resolve));
      return served.drain(drainMs).then(() => closed);
    });
    return Promise.all([this.#closing, ...drained]).then(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(socket: Socket): void {
    const stream = this.transport.accept(socket);
    this.#streams.set(stream, this.serve(stream));
    stream.once('close', () => this.#streams.delete(stream));
  }
}

function warn(error: Error): void {
  process.emitWarning(error);
}
