import type { Duplex } from 'node:stream';
import type { Bytes } from '../message/index.js';

/**
 * Writes of one tick go out together: the stream is corked by the first and uncorked once the running callback, and the
 * promises it settled, are done. So a burst of small frames costs one system call, and a frame is never cut.
 */
export class FrameWriter {
  /**
   * The stream could not take what was last flushed. Judged after a flush, and not by what `write` returns: while corked
   * that says no more than that the tick's frames are many.
   */
  blocked = false;
  #corked = false;

  constructor(
    readonly socket: Duplex,
    /** The tick's frames were handed over, or the stream has emptied: look again at `blocked` and {@link unsent}. */
    private readonly moved: (drained: boolean) => void,
  ) {
    socket.on('drain', () => {
      this.blocked = false;
      this.moved(true);
    });
  }

  /** Returns how many bytes that were. */
  write(bytes: Bytes): number {
    if (!this.#corked) {
      this.#corked = true;
      this.socket.cork();
      process.nextTick(flush, this);
    }
    let length = 0;
    for (let i = 0; i < bytes.length; i++) {
      const piece = bytes[i]!;
      length += piece.length;
      this.socket.write(piece);
    }
    return length;
  }

  /** Bytes given to {@link write} that the operating system (or the in-process reader) has not taken yet. */
  get unsent(): number {
    return this.socket.writableLength;
  }

  /** @internal */
  flush(): void {
    this.#corked = false;
    const socket = this.socket;
    if (socket.destroyed) return;
    socket.uncork();
    this.blocked = socket.writableNeedDrain && socket.writableLength > 0;
    this.moved(false);
  }
}

function flush(writer: FrameWriter): void {
  writer.flush();
}
