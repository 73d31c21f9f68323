import { Duplex } from 'node:stream';
import { Failure } from '../call/index.js';

/**
 * Two streams that are each other's other end, in one process: what one writes the other reads. As with TCP, a slow
 * reader holds back the writer, `end` closes one direction only, and an end that is destroyed takes the other with it: by a
 * Failure with that, by any other error with a reset.
 * A message crosses in well under a microsecond, since there is no socket.
 *
 * A stream may own the chunk it is given only until it acknowledges the write. The first end's writer is somebody
 * else's client, which may use its buffer again after that; so the chunks of this end are copied. The second end's
 * are passed on as they are: our frames are never written to again.
 */
export function inProcessDuplex(options: InProcessOptions = {}): [client: InProcessSocket, server: InProcessSocket] {
  const client = new InProcessSocket(true, options);
  const server = new InProcessSocket(false, options);
  client.join(server);
  server.join(client);
  return [client, server];
}

export interface InProcessOptions {
  /** Bytes that wait on each side, in each direction, before the writer is held back. @defaultValue 65536 */
  readonly highWaterMark?: number;
  /** What the client's end shows as `remoteAddress` and `remotePort`. @defaultValue '127.0.0.1' and 0 */
  readonly host?: string;
  readonly port?: number;
  /** The client's end ends its own side when the other has, as sockets of `net.connect` do. @defaultValue false */
  readonly clientEnds?: boolean;
}

/**
 * One end. Has those methods of `net.Socket` that clients call on a stream they were given; there is nothing for them to
 * do, so that they return at once.
 */
export class InProcessSocket extends Duplex {
  readonly connecting = false;
  readonly pending = false;
  readonly encrypted = false;
  readonly remoteAddress: string;
  readonly remotePort: number;
  #other!: InProcessSocket;
  /** Acknowledges our last write, once the other end has room again. */
  #held: (() => void) | undefined = undefined;

  constructor(
    private readonly copies: boolean,
    options: InProcessOptions,
  ) {
    super({ allowHalfOpen: !(copies && options.clientEnds), highWaterMark: options.highWaterMark ?? 65536 });
    this.remoteAddress = options.host ?? '127.0.0.1';
    this.remotePort = options.port ?? 0;
  }

  /** @internal */
  join(other: InProcessSocket): void {
    this.#other = other;
  }

  override _read(): void {
    this.#other.#acknowledge();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    const other = this.#other;
    if (other.destroyed) {
      done(systemError('EPIPE', 'the other end is closed'));
      return;
    }
    if (other.push(this.copies ? Buffer.from(chunk) : chunk)) {
      done();
      return;
    }
    this.#held = done;
  }

  override _final(done: () => void): void {
    if (!this.#other.destroyed) this.#other.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const other = this.#other;
    this.#held = undefined;
    // An end that said its goodbye leaves the other to read what is still there, as a closed TCP socket does.
    if (!other.destroyed && !this.writableFinished) {
      other.destroy(error === null ? undefined : reset(error));
    } else {
      other.#acknowledge(systemError('EPIPE', 'the other end is closed'));
    }
    done(error);
  }

  #acknowledge(error?: Error): void {
    const held = this.#held as ((error?: Error) => void) | undefined;
    this.#held = undefined;
    held?.(error);
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

function reset(error: Error): Error {
  return error instanceof Failure ? error : systemError('ECONNRESET', 'the other end was destroyed');
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code });
}
