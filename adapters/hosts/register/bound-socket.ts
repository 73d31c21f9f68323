/**
 * A `net.Socket` that somebody holds already becomes one end of a stream within the process: that instance gets methods of
 * its own, which lead to a {@link FarEnd}. It stays the same object, `instanceof net.Socket`, and has no handle and no file
 * descriptor; timeouts, `readyState`, half-closing, corking and the rest are Node's own code, which works on any socket.
 *
 * What is replaced is what Node's code does with a handle. Each method is one function for all sockets, so that binding
 * allocates the far end and little else.
 */
import type { Socket } from 'node:net';
import { Socket as NodeSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Binding, FAR, FarEnd } from './far-end.js';
import { OnRead } from './onread.js';
import {
  type Done,
  type SocketInternals,
  type SocketName,
  type SocketWrite,
  userBufferOf,
} from './socket-internals.js';
import { letTlsBegin } from './tls-over-bound.js';

export type { Binding, FarEnd, SocketName };

/** A socket that is bound. */
type Bound = SocketInternals & { [FAR]: FarEnd };

export interface BindOptions extends Binding {
  /** `true`: the socket connects until {@link FarEnd.connected} is called. @defaultValue false */
  readonly connecting?: boolean;
}

/**
 * Binds a socket, which must be new, or closed. Its events come in the async context of the moment.
 * @returns the other end, half-open: what the socket writes is read there
 */
export function bindSocket(socket: Socket, options: BindOptions): FarEnd {
  const bound = socket as unknown as Bound;
  letTlsBegin();
  if (bound.destroyed) bound._peername = null;
  bound._undestroy();
  // Once the other side had ended Node made it one that refuses; its own connect does the same.
  if (bound.write !== NodeSocket.prototype.write) bound.write = NodeSocket.prototype.write;
  bound.connecting = options.connecting ?? false;
  const user = userBufferOf(bound);
  const far = new FarEnd(bound, options, user && new OnRead(user));
  if (bound[FAR] === undefined) {
    Object.defineProperties(bound, METHODS);
    if (user !== undefined) Object.defineProperties(bound, ONREAD_METHODS);
  }
  bound[FAR] = far;
  return far;
}

/** Makes it an ordinary socket again. To the other end one that was not closed is, from now on. */
export function unbindSocket(socket: Socket): void {
  if (!socket.destroyed) farEndOf(socket)?.left(socket.writableFinished);
  const bound = socket as unknown as Record<string | symbol, unknown>;
  for (const name of Object.keys({ ...METHODS, ...ONREAD_METHODS })) delete bound[name];
  delete bound[FAR];
}

export function isBound(socket: Socket): boolean {
  return (socket as unknown as Partial<Bound>)[FAR] !== undefined;
}

/** The other end of a socket, if it is bound. */
export function farEndOf(socket: Duplex): FarEnd | undefined {
  return (socket as unknown as Partial<Bound>)[FAR];
}

/** What the socket would do, were it not bound: Node's method, or that of a class derived from its. */
function unbound<K extends keyof SocketInternals>(socket: SocketInternals, method: K): SocketInternals[K] {
  return (Object.getPrototypeOf(socket) as SocketInternals)[method];
}

const methods = {
  _read(this: Bound): void {
    if (this.connecting) this.once('connect', () => methods._read.call(this));
    else this[FAR].wanted();
  },

  _writeGeneric(this: Bound, writev: boolean, data: SocketWrite, encoding: BufferEncoding | '', done: Done): void {
    if (this.connecting) {
      unbound(this, '_writeGeneric').call(this, writev, data, encoding, done);
      return;
    }
    this._pendingData = null;
    this._pendingEncoding = '';
    this[FAR].sent(data, encoding, done);
  },

  _final(this: Bound, done: Done): void {
    if (this.connecting) {
      this.once('connect', () => methods._final.call(this, done));
      return;
    }
    this[FAR].ended();
    done();
  },

  /** Node's own does the rest: timers, and the count of the server that it belongs to. */
  _destroy(this: Bound, error: Error | null, done: Done): void {
    const far = this[FAR];
    closeAsOfHandle(this, error !== null && error !== undefined);
    done(error);
    far.inScope(() => unbound(this, '_destroy').call(this, error, () => {}));
    far.left(this.writableFinished);
  },

  resetAndDestroy(this: Bound): Bound {
    if (this.connecting) {
      this.once('connect', () => methods.resetAndDestroy.call(this));
      return this;
    }
    this[FAR].resetting = true;
    this.destroy();
    return this;
  },

  ref(this: Bound): Bound {
    this[FAR].ref(true);
    return this;
  },

  unref(this: Bound): Bound {
    this[FAR].ref(false);
    return this;
  },

  _getpeername(this: Bound): SocketName | object {
    if (!this.connecting && !this.destroyed) this._peername = this[FAR].binding.remote;
    return this._peername ?? {};
  },

  _getsockname(this: Bound): SocketName | object {
    return this.connecting || this.destroyed ? {} : this[FAR].binding.local;
  },
};

const getters = {
  pending: (socket: Bound) => socket.connecting || socket.destroyed,
  bytesRead: (socket: Bound) => socket[FAR].bytesRead,
  _bytesDispatched: (socket: Bound) => socket[FAR].bytesWritten,
  bufferSize: (socket: Bound) => (socket.destroyed ? undefined : socket.writableLength),
};

/** Beside these, of a socket that was made with `onread`. */
const onreadMethods = {
  read(this: Bound, size?: number): unknown {
    this[FAR].goOn();
    return unbound(this, 'read').call(this, size);
  },

  pause(this: Bound): Bound {
    this[FAR].pauseReading();
    return unbound(this, 'pause').call(this) as unknown as Bound;
  },

  resume(this: Bound): Bound {
    this[FAR].goOn();
    return unbound(this, 'resume').call(this) as unknown as Bound;
  },
};

const METHODS = descriptors(methods);
for (const [name, get] of Object.entries(getters)) {
  METHODS[name] = {
    get(this: Bound) {
      return get(this);
    },
    configurable: true,
  };
}
const ONREAD_METHODS = descriptors(onreadMethods);

function descriptors(functions: Record<string, unknown>): PropertyDescriptorMap {
  return Object.fromEntries(
    Object.entries(functions).map(([name, value]) => [name, { value, writable: true, configurable: true }]),
  );
}

/**
 * Without a handle the `close` that Node emits does not say whether there was an error, and comes with the error, not in a
 * turn of its own: who waits for the one and then for the other would miss it.
 */
function closeAsOfHandle(socket: Bound, hadError: boolean): void {
  const emit = socket.emit as (event: string | symbol, ...args: unknown[]) => boolean;
  const own = Object.hasOwn(socket, 'emit');
  const close = () => emit.call(socket, 'close', hadError);
  socket.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event !== 'close' || args.length > 0) return emit.call(socket, event, ...args);
    if (own) socket.emit = emit as Bound['emit'];
    else delete (socket as { emit?: unknown }).emit;
    setImmediate(close);
    return true;
  };
}
