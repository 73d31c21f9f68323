import type { Duplex } from 'node:stream';
import type { Bytes } from '../message/index.js';

/** About what a socket of the kernel takes at once, twice over. */
const FULL_BYTES = 1024 * 1024;

/**
 * Writes of one tick go out together, once the running callback and the promises it settled are done: a burst of small
 * frames costs one system call, and a frame is never cut. Small frames are encoded one after the other into one slab,
 * so that most of a tick's frames lie side by side, and are handed to the stream as one chunk without a copy.
 */
export class FrameWriter {
  /** The stream could not take what was last flushed, and has not emptied since. */
  #blocked = false;
  /** The tick's frames. Mostly there is one, which needs no array: that would be 180 bytes a flush. */
  #first: Buffer | undefined = undefined;
  #rest: Buffer[] = [];
  #pendingBytes = 0;
  /** One function a writer: arguments of a tick would be an array each time. */
  readonly #flush = (): void => this.flush();

  constructor(
    readonly socket: Duplex,
    /** The tick's frames were handed over, or the stream has emptied: look again at {@link full} and {@link unsent}. */
    private readonly moved: () => void,
  ) {
    socket.on('drain', () => {
      this.#blocked = false;
      this.moved();
    });
  }

  /** Returns how many bytes that were. */
  write(bytes: Bytes): number {
    let length = 0;
    for (let i = 0; i < bytes.length; i++) {
      const piece = bytes[i]!;
      if (piece.length === 0) continue;
      length += piece.length;
      if (this.#first === undefined) {
        this.#first = piece;
        process.nextTick(this.#flush);
      } else this.#rest.push(piece);
    }
    this.#pendingBytes += length;
    return length;
  }

  /** Bytes given to {@link write} that the operating system (or the in-process reader) has not taken yet. */
  get unsent(): number {
    return this.#pendingBytes + this.socket.writableLength;
  }

  /** Takes no more for now: the stream is blocked, or so much waits for the end of the tick that it will be. */
  get full(): boolean {
    return this.#blocked || this.#pendingBytes > FULL_BYTES;
  }

  /** Hands over what waits: before the stream is ended within the tick. */
  flush(): void {
    const first = this.#first;
    const { socket } = this;
    if (first === undefined || socket.destroyed) return;
    this.#first = undefined;
    this.#pendingBytes = 0;
    if (this.#rest.length === 0) socket.write(first);
    else {
      const pieces = [first, ...this.#rest];
      this.#rest = [];
      writeAll(socket, pieces);
    }
    this.#blocked = socket.writableNeedDrain && socket.writableLength > 0;
    this.moved();
  }
}

function writeAll(socket: Duplex, pieces: readonly Buffer[]): void {
  socket.cork();
  for (let i = 0; i < pieces.length; ) {
    const end = endOfRun(pieces, i);
    socket.write(end === i + 1 ? pieces[i]! : joined(pieces[i]!, pieces[end - 1]!));
    i = end;
  }
  socket.uncork();
}

/** Up to where do pieces lie side by side in memory? */
function endOfRun(pieces: readonly Buffer[], start: number): number {
  let last = pieces[start]!;
  for (let i = start + 1; i < pieces.length; i++) {
    const piece = pieces[i]!;
    if (piece.buffer !== last.buffer || piece.byteOffset !== last.byteOffset + last.length) return i;
    last = piece;
  }
  return pieces.length;
}

function joined(first: Buffer, last: Buffer): Buffer {
  return Buffer.from(first.buffer, first.byteOffset, last.byteOffset + last.length - first.byteOffset);
}
