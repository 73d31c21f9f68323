import { AsyncResource } from 'node:async_hooks';
import { Duplex } from 'node:stream';
import type { OnRead } from './onread.js';
import { holdProcess, releaseProcess } from './process-hold.js';
import { copyOf, type Done, type SocketInternals, type SocketName, type SocketWrite } from './socket-internals.js';
import { brokenError, connectError, systemError } from './system-errors.js';

/** Bytes that wait on this side before the socket's writer is held back, as those of the mesh's own pairs. */
const HIGH_WATER_MARK = 65_536;

/** Which far end a socket is bound to. */
export const FAR = Symbol('meltemi.far');

/** Both ends' addresses, as the socket shows them. */
export interface Binding {
  readonly remote: SocketName;
  readonly local: SocketName;
}

/**
 * The other end of a bound socket, and all that there is to know of the connection: the socket itself has methods that
 * lead here, see `bound-socket.ts`.
 *
 * - What the socket writes is copied, since it is its writer's again once acknowledged; what is written here is passed on as it
 *   is. Either side holds its writer back while the other does not read.
 * - The socket's events come in the async context in which it was bound, as those of a descriptor do.
 * - A socket can be connected again: a far end that is no longer the socket's has no effect on it.
 * - The process is kept alive as by a descriptor: while the socket connects, reads, or waits for a write, unless it is unref'd.
 */
export class FarEnd extends Duplex {
  readonly remoteAddress: string;
  readonly remotePort: number;
  bytesRead = 0;
  bytesWritten = 0;
  /** The socket is being closed by a reset. */
  resetting = false;
  /** Acknowledges what the socket wrote, once there is room here. */
  #socketHeld: Done | undefined = undefined;
  /** Acknowledges what was written here, once the socket has room. */
  #held: Done | undefined = undefined;
  /** Written here before the socket was told that it is connected. */
  #early: (() => void) | undefined = undefined;
  readonly #scope = new AsyncResource('BoundSocket');
  /** Of a socket that was made with `onread`. */
  readonly #onread: OnRead | undefined;
  #reading = false;
  #refed = true;
  #holding = false;
  #closed = false;

  constructor(
    private readonly socket: SocketInternals,
    readonly binding: Binding,
    onread: OnRead | undefined,
  ) {
    super({ allowHalfOpen: true, highWaterMark: HIGH_WATER_MARK });
    this.remoteAddress = binding.local.address;
    this.remotePort = binding.local.port;
    this.#onread = onread;
    this.on('error', () => {}); // whoever serves this end hears of it all the same
    this.#hold();
  }

  /** Is the socket ours, and told of no end of its connecting? */
  get connects(): boolean {
    return !this.#closed && this.socket.connecting;
  }

  /** The socket is connected, and told so: from a turn of the event loop of its own, as the system would. */
  connected(): void {
    const { socket } = this;
    if (!this.connects) return;
    const early = this.#early;
    this.#early = undefined;
    socket.connecting = false;
    socket._unrefTimer();
    try {
      socket.emit('connect');
      socket.emit('ready');
      if (!socket.isPaused()) socket.read(0);
    } catch (thrown) {
      // It waits to be read, as in a descriptor.
      this.#held = early;
      if (this.#reading) setImmediate(() => this.#goOnReading());
      throw thrown;
    } finally {
      this.#hold();
    }
    early?.();
  }

  /** The socket has room. */
  wanted(): void {
    if (this.#onread === undefined) this.#goOnReading();
    else this.#reads();
  }

  pauseReading(): void {
    this.#onread?.pause();
  }

  /** Has the user of `onread` take what waits: in a turn of its own. */
  goOn(): void {
    this.#onread?.resume();
    setImmediate(() => this.#takeRest());
  }

  /** The socket writes. */
  sent(data: SocketWrite, encoding: BufferEncoding | '', done: Done): void {
    if (this.destroyed) {
      done(systemError('write', 'EPIPE'));
      return;
    }
    const bytes = copyOf(data, encoding);
    this.bytesWritten += bytes.length;
    this.socket._unrefTimer();
    if (bytes.length === 0 || this.push(bytes)) {
      done();
      return;
    }
    this.#socketHeld = done;
    this.#hold();
  }

  /** The socket has ended its side. */
  ended(): void {
    if (!this.destroyed) this.push(null);
  }

  /**
   * The socket is closed, for whatever reason. What it wrote is still read here, as the other end of a TCP connection reads
   * what the system has taken.
   * @param said - it had ended its side before
   */
  left(said: boolean): void {
    this.#closed = true;
    this.#socketHeld = undefined;
    this.#hold();
    if (this.destroyed) return;
    if (this.resetting) this.destroy(systemError('read', 'ECONNRESET'));
    else if (!said && this.readableLength === 0) this.destroy();
    else if (!said) this.push(null);
    this.#acknowledge(systemError('write', 'EPIPE'));
  }

  /** Runs in the socket's async context. */
  inScope(run: () => void): void {
    this.#scope.runInAsyncScope(run);
  }

  ref(refed: boolean): void {
    this.#refed = refed;
    this.#hold();
  }

  override _read(): void {
    const held = this.#socketHeld;
    if (held === undefined) return;
    this.#socketHeld = undefined;
    this.#hold();
    held();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    if (this.#closed) done(systemError('write', 'EPIPE'));
    else if (this.socket.connecting) this.#early = () => this._write(chunk, _encoding, done);
    else this.#deliver(chunk, done);
  }

  override _final(done: Done): void {
    if (this.socket.connecting && !this.#closed) {
      this.#early = () => this._final(done);
      return;
    }
    if (!this.#closed) this.#scope.runInAsyncScope(endOfData, undefined, this.socket);
    this.#reading = false;
    this.#hold();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    const { socket, binding } = this;
    const { address, port } = binding.remote;
    this.#held = undefined;
    this.#early = undefined;
    if (!this.#closed) {
      if (socket.connecting) this.#break(connectError('ECONNREFUSED', address, port, error ?? undefined));
      else if (error !== null) this.#break(brokenError(error));
      else if (!this.writableFinished) this.#scope.runInAsyncScope(endOfData, undefined, socket);
    }
    const held = this.#socketHeld;
    this.#socketHeld = undefined;
    this.#reading = false;
    this.#hold();
    held?.(systemError('write', 'EPIPE'));
    done(error);
  }

  /** What a listener of the socket throws is nobody's here, as it is when the bytes come from a descriptor. */
  #deliver(chunk: Buffer, done: Done): void {
    this.bytesRead += chunk.length;
    let room = true;
    try {
      room = this.#scope.runInAsyncScope(this.#push, this, chunk) as boolean;
    } catch (thrown) {
      process.nextTick(rethrow, thrown);
      room = this.#onread === undefined;
      if (!room) setImmediate(() => this.#takeRest());
    }
    if (room || this.#closed) {
      done();
      return;
    }
    this.#held = done;
    this.#reading = false;
    this.#hold();
  }

  #push(chunk: Buffer): boolean {
    this.socket._unrefTimer();
    return this.#onread === undefined ? this.socket.push(chunk) : this.#onread.take(chunk);
  }

  /** Of a chunk that the user of `onread` did not take whole. */
  #takeRest(): void {
    if (this.#closed || this.#onread === undefined) return;
    let all = false;
    try {
      all = this.#onread.go();
    } catch (thrown) {
      setImmediate(() => this.#takeRest());
      throw thrown;
    }
    if (all) this.#goOnReading();
  }

  #goOnReading(): void {
    this.#reads();
    const held = this.#held;
    this.#held = undefined;
    held?.();
  }

  #reads(): void {
    this.#reading = true;
    this.#hold();
  }

  #break(error: Error): void {
    this.#scope.runInAsyncScope(() => this.socket.destroy(error));
  }

  #acknowledge(error: Error): void {
    const held = this.#held;
    this.#held = undefined;
    this.#early = undefined;
    held?.(error);
  }

  #hold(): void {
    const active = this.#reading || this.#socketHeld !== undefined || this.socket.connecting;
    const holding = this.#refed && !this.#closed && active;
    if (holding === this.#holding) return;
    this.#holding = holding;
    if (holding) holdProcess();
    else releaseProcess();
  }
}

/** Whoever does not read is told all the same, once nothing is left to be read. */
function endOfData(socket: SocketInternals): void {
  socket.push(null);
  socket.read(0);
}

function rethrow(thrown: unknown): never {
  throw thrown;
}
