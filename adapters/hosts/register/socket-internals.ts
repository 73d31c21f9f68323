import { Socket } from 'node:net';

/**
 * What Node's own socket has beside its documented methods, as of Node 20 to 26: those that are replaced on a bound socket,
 * and those that are called as Node itself calls them.
 */
export interface SocketInternals extends Omit<Socket, 'connecting' | 'pending' | 'write'> {
  connecting: boolean;
  write: Socket['write'];
  readonly _handle: object | null;
  _pendingData: unknown;
  _pendingEncoding: string;
  _peername: SocketName | null;
  _unrefTimer(): void;
  _undestroy(): void;
  _writeGeneric(writev: boolean, data: SocketWrite, encoding: BufferEncoding | '', done: Done): void;
}

/** As {@link Socket.address} tells it. */
export interface SocketName {
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6';
  readonly port: number;
}

export type Done = (error?: Error | null) => void;

/** One chunk; or several, all of them buffers or each with its encoding. */
export type SocketWrite = string | Buffer | readonly PendingChunk[];

interface PendingChunk {
  readonly chunk: string | Buffer;
  readonly encoding: BufferEncoding;
}

/** The bytes of a write, in memory of their own: the writer's is the writer's again once it is told that all is written. */
export function copyOf(data: SocketWrite, encoding: BufferEncoding | ''): Buffer {
  if (typeof data === 'string') return Buffer.from(data, encoding === '' ? 'utf8' : encoding);
  if (Buffer.isBuffer(data) || data instanceof Uint8Array) return Buffer.from(data);
  let length = 0;
  for (const { chunk, encoding } of data) length += Buffer.byteLength(chunk, encoding);
  const whole = Buffer.allocUnsafe(length);
  let at = 0;
  for (const { chunk, encoding } of data) {
    at += typeof chunk === 'string' ? whole.write(chunk, at, encoding) : copyInto(chunk, whole, at);
  }
  return whole;
}

function copyInto(chunk: Uint8Array, whole: Buffer, at: number): number {
  whole.set(chunk, at);
  return chunk.length;
}

/** What a socket that was made with `onread` reads into; symbols of Node's own. */
export interface UserBuffer {
  buffer: Uint8Array;
  /** @returns false to be given no more for now */
  readonly callback: (length: number, buffer: Uint8Array) => boolean | undefined;
  readonly next: (() => Uint8Array) | null;
}

const symbols = new Map(
  Object.getOwnPropertySymbols(new Socket()).map((symbol) => [symbol.description, symbol] as const),
);

/** Undefined for a socket that emits `data`, as most do. */
export function userBufferOf(socket: object): UserBuffer | undefined {
  const own = socket as Record<symbol, unknown>;
  const of = (name: string) => own[symbols.get(name) ?? symbols.get('kBuffer')!];
  const buffer = symbols.has('kBuffer') ? of('kBuffer') : null;
  if (buffer === null || buffer === undefined) return undefined;
  const next = of('kBufferGen') as UserBuffer['next'];
  const callback = of('kBufferCb') as UserBuffer['callback'];
  return { buffer: buffer === true ? next!() : (buffer as Uint8Array), callback, next };
}
