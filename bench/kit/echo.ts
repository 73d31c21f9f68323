import type { Duplex } from 'node:stream';
import { replyFrame } from './frames.js';

/** A Dubbo provider and a consumer of a few lines each: what stands before and behind the mesh must not be what is measured. */

const HEADER = 16;

/** Answers each two-way request with the same reply, in one write for all that were read at once. */
export function serveEcho(socket: Duplex, reply = replyFrame()): void {
  readFrames(socket, (frames) => {
    const answers = Buffer.allocUnsafe(frames.length * reply.length);
    for (const [i, frame] of frames.entries()) {
      const at = i * reply.length;
      reply.copy(answers, at);
      frame.copy(answers, at + 4, 4, 12);
    }
    socket.write(answers);
  });
  socket.on('error', () => socket.destroy());
}

/** One connection's calls, by id. */
export class RawClient {
  #nextId = 1;
  readonly #waiting = new Map<number, () => void>();

  constructor(private readonly socket: Duplex) {
    readFrames(socket, (frames) => {
      for (const frame of frames) {
        const id = frame.readInt32BE(8);
        const done = this.#waiting.get(id);
        this.#waiting.delete(id);
        done?.();
      }
    });
  }

  /** @param frame - is copied, with an id of its own */
  call(frame: Buffer, done: () => void): void {
    const id = this.#nextId++;
    this.#waiting.set(id, done);
    const copy = Buffer.from(frame);
    copy.writeInt32BE(id, 8);
    this.socket.write(copy);
  }

  /** `count` calls, `window` of them at a time. */
  calls(frame: Buffer, count: number, window: number): Promise<void> {
    return new Promise((resolve) => {
      let sent = 0;
      let answered = 0;
      const next = (): void => {
        if (++answered === count) resolve();
        else if (sent < count) {
          sent++;
          this.call(frame, next);
        }
      };
      this.socket.cork();
      for (; sent < Math.min(window, count); sent++) this.call(frame, next);
      this.socket.uncork();
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

function readFrames(socket: Duplex, take: (frames: Buffer[]) => void): void {
  let rest: Buffer | undefined;
  socket.on('data', (chunk: Buffer) => {
    const data = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    const frames: Buffer[] = [];
    let at = 0;
    while (data.length - at >= HEADER) {
      const end = at + HEADER + data.readInt32BE(at + 12);
      if (end > data.length) break;
      frames.push(data.subarray(at, end));
      at = end;
    }
    rest = at === data.length ? undefined : data.subarray(at);
    if (frames.length > 0) take(frames);
  });
}
