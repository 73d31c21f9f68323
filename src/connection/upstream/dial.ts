import type { Duplex } from 'node:stream';
import type { Expirable, Runtime, Timer } from '../../runtime/index.js';
import { formatAddress, type SocketAddress, type TransportSocket } from '../transport-socket.js';

/** Who wants a connection. Exactly one of the two is called, once, never before the {@link Dial} exists; neither after `abort`. */
export interface Dialer {
  connected(dial: Dial, socket: Duplex): void;
  failed(dial: Dial, reason: string, cause: unknown): void;
}

/** One attempt to connect, within a time. */
export class Dial implements Expirable {
  readonly #timer: Timer;
  #socket: Duplex | undefined;
  #ended = false;

  constructor(
    private readonly dialer: Dialer,
    transport: TransportSocket,
    private readonly address: SocketAddress,
    runtime: Runtime,
    private readonly timeoutMs: number,
  ) {
    this.#timer = runtime.timers.arm(timeoutMs, this);
    try {
      this.#socket = transport.connect(address);
    } catch (error) {
      process.nextTick(() => this.#fail(describe(error), error));
      return;
    }
    // Stays on for the life of the socket: an error that nobody hears would end the process.
    this.#socket.on('error', (error) => this.#fail(describe(error), error));
    this.#socket.once('close', () => this.#fail('closed while connecting', undefined));
    this.#socket.once('connect', () => this.#connect());
  }

  abort(): void {
    if (!this.#end()) return;
    this.#socket?.destroy();
  }

  expired(): void {
    this.#fail(`no connection after ${this.timeoutMs} ms`, undefined);
  }

  #connect(): void {
    const socket = this.#socket;
    if (socket === undefined || !this.#end()) return;
    this.dialer.connected(this, socket);
  }

  #fail(reason: string, cause: unknown): void {
    if (!this.#end()) return;
    this.#socket?.destroy();
    this.dialer.failed(this, `${formatAddress(this.address)}: ${reason}`, cause);
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#timer.cancel();
    return true;
  }
}

/** A name with several addresses fails with an AggregateError, whose own message is empty. */
function describe(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(describe).join('; ');
  return error instanceof Error ? error.message : String(error);
}
