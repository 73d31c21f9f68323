import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttp, request } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2';
import { connect, type Server, Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect as connectTls, createServer as createTls } from 'node:tls';
import { runInThisContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type BindOptions,
  bindSocket,
  isBound,
  unbindSocket,
} from '../../../../adapters/hosts/register/bound-socket.js';
import { connectError, systemError } from '../../../../adapters/hosts/register/system-errors.js';
import { boundPairs, type Pair, type Pairs, plainPairs } from './support/pairs.js';

let plain: Pairs;
let bound: Pairs;
beforeAll(async () => {
  plain = await plainPairs();
  bound = boundPairs();
});
afterAll(async () => {
  await plain.close();
  await bound.close();
});

/** What a scenario saw on a socket of the system must be what it sees on a bound one. */
type Scenario = (pairs: Pairs) => Promise<unknown>;

async function whole(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks).toString();
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** The next errors that nobody catches, which are the tests' own here: Jest has listeners of its own for them. */
async function uncaught(count: number, tell: (message: string) => void = () => {}): Promise<readonly string[]> {
  const { process } = runInThisContext('globalThis') as { process: NodeJS.Process };
  const before = process.rawListeners('uncaughtException') as NodeJS.UncaughtExceptionListener[];
  process.removeAllListeners('uncaughtException');
  const messages: string[] = [];
  await new Promise<void>((resolve) => {
    process.on('uncaughtException', ({ message }) => {
      messages.push(message);
      tell(message);
      if (messages.length === count) resolve();
    });
  });
  process.removeAllListeners('uncaughtException');
  for (const listener of before) process.on('uncaughtException', listener);
  return messages;
}

/** The names of a socket's events as they come, with what they say. */
function log({ socket }: Pair, ...events: string[]): string[] {
  const lines: string[] = [];
  for (const name of events) {
    socket.on(name, (...args: unknown[]) => {
      const said = args.map((it) => (it as NodeJS.ErrnoException | null)?.code ?? String(it));
      lines.push([name, ...said].join(' '));
    });
  }
  return lines;
}

const LIFE = ['connect', 'ready', 'data', 'end', 'finish', 'timeout', 'error', 'close'];

function state(socket: Socket): unknown {
  const { readyState, connecting, pending, destroyed, writableLength, remoteFamily, localAddress } = socket;
  return {
    ...{ readyState, connecting, pending, destroyed, writableLength, remoteFamily, localAddress },
    hasPorts: [typeof socket.remotePort, typeof socket.localPort, socket.remoteAddress],
    address: Object.keys(socket.address()).sort(),
    bytes: [socket.bytesRead, socket.bytesWritten],
    timeout: socket.timeout,
  };
}

const scenarios: Record<string, Scenario> = {
  'a life: question, answer, both ends end': async (pairs) => {
    const pair = pairs.make();
    const lines = log(pair, ...LIFE);
    const far = await pair.connect();
    pair.socket.end('question');
    const question = await whole(far);
    far.end('answer');
    await pair.closed();
    return { question, lines };
  },

  'what a socket shows of itself, at each step': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const seen = [state(socket)];
    const connecting = pair.connect();
    seen.push(state(socket));
    const far = await connecting;
    if (socket.connecting) await once(socket, 'connect');
    await turn();
    seen.push(state(socket));
    socket.write('12345');
    await once(far, 'data');
    const answered = once(socket, 'data');
    far.write('1234567');
    await answered;
    seen.push(state(socket));
    socket.end();
    await once(socket, 'finish');
    seen.push(state(socket));
    far.end();
    await pair.closed();
    seen.push(state(socket));
    return seen;
  },

  'events come in turns of their own, never within connect': async (pairs) => {
    const pair = pairs.make();
    const lines = log(pair, ...LIFE);
    const far = pair.connect();
    lines.push('connect returned');
    await Promise.resolve();
    process.nextTick(() => lines.push('tick'));
    await once(pair.socket, 'ready');
    (await far).destroy();
    return lines;
  },

  'written before it is connected': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const lines: string[] = [];
    const farEnd = pair.connect();
    socket.write('a', () => lines.push(`a written, ${socket.readyState}`));
    socket.write(Buffer.from('b'), () => lines.push('b written'));
    socket.write('636465', 'hex');
    lines.push(`${socket.bytesWritten} bytes, ${socket.readyState}`);
    socket.end('f', () => lines.push('ended'));
    const got = await whole(await farEnd);
    return { lines, got, bytes: socket.bytesWritten };
  },

  'destroyed before it is connected': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const lines = log(pair, ...LIFE);
    pair.connect().catch(() => {});
    socket.write('x', (error) => lines.push(`written: ${(error as NodeJS.ErrnoException | null)?.code}`));
    socket.destroy();
    await pair.closed();
    await turn();
    return lines;
  },

  'corked writes, of mixed kinds': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const far = await pair.connect();
    const lines: string[] = [];
    socket.cork();
    for (let i = 0; i < 50; i++) socket.write(i % 2 === 0 ? `${i} ` : Buffer.from(`${i} `), () => lines.push(`${i}`));
    socket.write('ÄÖ', 'latin1');
    socket.write('ÄÖ');
    socket.cork();
    socket.uncork();
    lines.push(`corked: ${socket.writableLength}`);
    socket.uncork();
    socket.end();
    return { got: await whole(far), lines, bytes: socket.bytesWritten };
  },

  'a writer may use its buffer again once it is told that all is written': async (pairs) => {
    const pair = pairs.make();
    const far = await pair.connect();
    const buffer = Buffer.from('first ');
    await new Promise<void>((resolve) => pair.socket.write(buffer, () => resolve()));
    buffer.fill('x');
    pair.socket.end('last');
    return whole(far);
  },

  'half-open: the other end ends first, and is answered': async (pairs) => {
    const pair = pairs.make({ allowHalfOpen: true });
    const { socket } = pair;
    const lines = log(pair, ...LIFE);
    const far = await pair.connect();
    far.end('only question');
    await once(socket, 'end');
    lines.push(socket.readyState);
    socket.write('late answer');
    socket.end();
    const got = await whole(far);
    await pair.closed();
    return { got, lines };
  },

  'not half-open: the other end ends first, and the socket ends with it': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const lines = log(pair, ...LIFE);
    const far = await pair.connect();
    far.end();
    const got = await whole(far);
    await pair.closed();
    socket.write('too late', (error) => lines.push(`written: ${(error as NodeJS.ErrnoException | null)?.code}`));
    await turn();
    return { got, lines };
  },

  'the end is told to who neither reads nor listens': async (pairs) => {
    const pair = pairs.make();
    const far = await pair.connect();
    far.end();
    await pair.closed();
    return state(pair.socket);
  },

  '20 MB each way, echoed, with nobody in a hurry': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const far = await pair.connect();
    far.pipe(far);
    let drains = 0;
    let waited = 0;
    let most = 0;
    socket.on('drain', () => drains++);
    let sum = 0;
    let length = 0;
    const reading = (async () => {
      for await (const chunk of socket) {
        const bytes = chunk as Buffer;
        for (let i = 0; i < bytes.length; i += 997) sum += bytes[i]! * ((length + i) % 11);
        length += bytes.length;
      }
    })();
    const chunk = Buffer.alloc(100_000);
    for (let i = 0; i < 200; i++) {
      chunk.fill(i);
      const written = new Promise((resolve) => socket.write(Buffer.from(chunk), resolve));
      most = Math.max(most, socket.writableLength);
      if (socket.writableNeedDrain) {
        waited++;
        await written;
      }
    }
    socket.end();
    await reading;
    // How often the system is full differs; that it held back does not.
    return { length, sum: sum > 0, bounded: most <= 200_000, waited: waited > 0, drained: drains > 0 };
  },

  'an end that does not read holds the writer back': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const far = await pair.connect();
    far.pause();
    let written = 0;
    const chunk = Buffer.alloc(256 * 1024, 'x');
    for (let i = 0; i < 80; i++) socket.write(chunk, () => written++);
    for (let i = 0; i < 50; i++) await turn();
    const held = written < 80;
    let got = 0;
    far.on('data', (bytes: Buffer) => {
      got += bytes.length;
    });
    far.resume();
    socket.end();
    await once(far, 'end');
    return { held, got, written };
  },

  'a socket that does not read holds the other end back': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const far = await pair.connect();
    socket.pause();
    let written = 0;
    const chunk = Buffer.alloc(256 * 1024, 'x');
    for (let i = 0; i < 80; i++) far.write(chunk, () => written++);
    far.end();
    for (let i = 0; i < 50; i++) await turn();
    const held = written < 80;
    let got = 0;
    socket.on('data', (bytes: Buffer) => {
      got += bytes.length;
    });
    socket.resume();
    await once(socket, 'end');
    return { held, got, written, read: socket.bytesRead };
  },

  'read by readable events, and by size': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const far = await pair.connect();
    far.write('0123456789');
    const parts: string[] = [];
    await once(socket, 'readable');
    for (let part = socket.read(4); part !== null; part = socket.read(4)) parts.push(String(part));
    parts.push(String(socket.read()));
    far.end('rest');
    socket.on('readable', () => {
      for (let part = socket.read(); part !== null; part = socket.read()) parts.push(String(part));
    });
    await once(socket, 'end');
    return parts;
  },

  'encodings, and pieces of characters': async (pairs) => {
    const pair = pairs.make();
    pair.socket.setEncoding('utf8');
    const far = await pair.connect();
    const parts: string[] = [];
    pair.socket.on('data', (text) => parts.push(String(text)));
    const [a, b] = [Buffer.from('€').subarray(0, 2), Buffer.from('€').subarray(2)];
    far.write(a);
    await turn();
    await turn();
    far.end(b);
    await once(pair.socket, 'end');
    return parts.join('');
  },

  'onread: into a buffer of the user, paused and resumed': async (pairs) => {
    const parts: string[] = [];
    let pause = true;
    const callback = (length: number, buffer: Uint8Array) => {
      parts.push(Buffer.from(buffer.subarray(0, length)).toString());
      if (!pause) return true;
      pause = false;
      return false;
    };
    const pair = pairs.make({ onread: { buffer: Buffer.alloc(4), callback } } as never);
    const { socket } = pair;
    const lines = log(pair, ...LIFE);
    const far = await pair.connect();
    far.end('0123456789');
    while (parts.length === 0) await turn();
    for (let i = 0; i < 5; i++) await turn();
    parts.push('resumed');
    socket.resume();
    await pair.closed();
    return { parts, lines };
  },

  'onread: a callback that throws is told of it, and called with what follows': async (pairs) => {
    const lines: string[] = [];
    const callback = (length: number, buffer: Uint8Array) => {
      lines.push(Buffer.from(buffer.subarray(0, length)).toString());
      if (lines.length % 3 === 1) throw new Error('mine');
      return true;
    };
    const pair = pairs.make({ onread: { buffer: Buffer.alloc(4), callback } } as never);
    pair.socket.on('end', () => lines.push('end'));
    const told = uncaught(2, (message) => lines.push(message));
    const far = await pair.connect();
    if (pair.socket.connecting) await once(pair.socket, 'ready');
    far.end('0123456789');
    await told;
    await pair.closed();
    return lines;
  },

  'idle: timeout is told, activity puts it off, nothing closes': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const lines = log(pair, ...LIFE);
    socket.setTimeout(20, () => lines.push('called'));
    const far = await pair.connect();
    await once(socket, 'timeout');
    lines.push(socket.readyState);
    socket.setTimeout(0);
    far.end();
    await pair.closed();
    return lines;
  },

  'destroyed by its user: the other end sees it end or close': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const lines = log(pair, ...LIFE);
    const far = await pair.connect();
    if (socket.connecting) await once(socket, 'connect');
    far.resume();
    far.once('end', () => far.end());
    socket.destroy();
    lines.push(`destroyed: ${socket.destroyed}, ${socket.readyState}`);
    if (!far.destroyed) await once(far, 'close');
    await pair.closed();
    return lines;
  },

  'destroyed with an error of its user': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const lines = log(pair, ...LIFE);
    await pair.connect();
    if (socket.connecting) await once(socket, 'ready');
    socket.destroy(Object.assign(new Error('mine'), { code: 'MINE' }));
    await pair.closed();
    return lines;
  },

  'the other end resets it': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const lines = log(pair, ...LIFE);
    const told = new Promise((resolve) => socket.once('error', resolve));
    const far = await pair.connect();
    if (socket.connecting) await once(socket, 'ready');
    if (far instanceof Socket) far.resetAndDestroy();
    else far.destroy(new Error('reset'));
    const { code, syscall, errno } = (await told) as NodeJS.ErrnoException;
    await pair.closed();
    return { lines, code, syscall, errno };
  },

  'the other end says its last words and is gone; more is written then': async (pairs) => {
    const pair = pairs.make({ allowHalfOpen: true });
    const { socket } = pair;
    const far = await pair.connect();
    far.end('last words', () => far.destroy());
    const got = await whole(socket);
    const error = new Promise((resolve) => socket.once('error', resolve));
    const close = new Promise((resolve) => socket.once('close', resolve));
    // The system takes a write or two until it hears that nobody is there.
    const writer = setInterval(() => socket.write('x'), 1);
    const { code } = (await error) as NodeJS.ErrnoException;
    clearInterval(writer);
    return { got, broken: code === 'EPIPE' || code === 'ECONNRESET', hadError: await close };
  },

  'written, and destroyed at once: the bytes arrive, with an error of its user too': async (pairs) => {
    const got: string[] = [];
    for (const error of [undefined, new Error('mine')]) {
      const pair = pairs.make();
      const { socket } = pair;
      socket.on('error', () => {});
      const far = await pair.connect();
      if (socket.connecting) await once(socket, 'ready');
      far.pause();
      socket.write('last ');
      socket.write('words');
      socket.destroy(error);
      far.resume();
      got.push(await whole(far));
    }
    return got;
  },

  'reset by its user': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const lines = log(pair, ...LIFE);
    const far = await pair.connect();
    if (socket.connecting) await once(socket, 'ready');
    const told = new Promise((resolve) => far.once('error', resolve));
    far.resume();
    socket.resetAndDestroy();
    const { code } = (await told) as NodeJS.ErrnoException;
    await pair.closed();
    return { code, lines };
  },

  'destroySoon: what was written arrives': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const lines = log(pair, ...LIFE);
    const far = await pair.connect();
    socket.write('x'.repeat(100_000));
    socket.destroySoon();
    const got = await whole(far);
    await pair.closed();
    await turn();
    return { length: got.length, lines };
  },

  'one socket, connected again and again; the former other end has no power over it': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const got: unknown[] = [];
    const fars: Duplex[] = [];
    for (let i = 0; i < 3; i++) {
      const far = await pair.connect();
      fars.push(far);
      if (socket.connecting) await once(socket, 'connect');
      for (const old of fars.slice(0, -1)) old.destroy(new Error('late'));
      socket.write(`question ${i}`);
      got.push(String((await once(far, 'data'))[0]));
      const answer = once(socket, 'data');
      far.write(`answer ${i}`);
      got.push(String((await answer)[0]), [socket.bytesRead, socket.bytesWritten]);
      if (i === 1) far.end();
      else socket.destroy();
      await pair.closed();
    }
    return got;
  },

  'connected again after its other end had ended it': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const first = await pair.connect();
    socket.resume();
    first.end();
    await pair.closed();
    const second = await pair.connect();
    socket.end('again');
    return whole(second);
  },

  'aborted by a signal': async (pairs) => {
    const control = new AbortController();
    const pair = pairs.make({ signal: control.signal } as never);
    const lines = log(pair, ...LIFE);
    const { socket } = pair;
    await pair.connect();
    if (socket.connecting) await once(socket, 'ready');
    await turn();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    control.abort();
    await closed;
    return lines;
  },

  'settings are taken and return the socket': async (pairs) => {
    const pair = pairs.make();
    const { socket } = pair;
    const same = () =>
      [socket.setNoDelay(), socket.setKeepAlive(true, 1000), socket.ref(), socket.unref(), socket.ref()].map(
        (it) => it === socket,
      );
    const seen = [same()];
    await pair.connect();
    if (socket.connecting) await once(socket, 'connect');
    seen.push(same());
    return seen;
  },

  'the async context of each event': async (pairs) => {
    const storage = new AsyncLocalStorage<string>();
    const pair = storage.run('maker', () => pairs.make());
    const { socket } = pair;
    const lines: string[] = [];
    const seen = (what: string) => lines.push(`${what}: ${storage.getStore()}`);
    for (const name of ['connect', 'ready', 'data', 'end', 'close']) socket.on(name, () => seen(name));
    const far = await storage.run('connecter', () => pair.connect());
    if (socket.connecting) await once(socket, 'connect');
    await turn();
    storage.run('writer', () => socket.write('x', () => seen('written')));
    await once(far, 'data');
    const answered = once(socket, 'data');
    storage.run('other', () => far.write('y'));
    await answered;
    storage.run('timer', () => socket.setTimeout(5, () => seen('timeout')));
    await once(socket, 'timeout');
    storage.run('other', () => far.end());
    await pair.closed();
    return lines.sort();
  },
};

describe('a bound socket is as one of the system', () => {
  test.each(Object.entries(scenarios))('%s', async (_name, scenario) => {
    const [expected, seen] = [await scenario(plain), await scenario(bound)];
    expect(seen).toEqual(expected);
  });
});

const BINDING: BindOptions = {
  remote: { address: '240.240.1.2', family: 'IPv4', port: 20880 },
  local: { address: '127.0.0.1', family: 'IPv4', port: 50_000 },
};

describe('bindSocket', () => {
  test('opens nothing, stays the same object, shows the addresses it was given', () => {
    const socket = new Socket();
    const far = bindSocket(socket, BINDING);
    expect(Object.keys(socket)).toEqual(Object.keys(new Socket()));
    expect(socket).toBeInstanceOf(Socket);
    expect((socket as unknown as { _handle: unknown })._handle).toBeNull();
    expect([socket.remoteAddress, socket.remotePort, socket.localPort, socket.address()]).toEqual([
      '240.240.1.2',
      20880,
      50_000,
      BINDING.local,
    ]);
    expect([far.remoteAddress, far.remotePort]).toEqual(['127.0.0.1', 50_000]);
    socket.destroy();
  });

  test('one that cannot be served is refused, with the reason', async () => {
    const socket = new Socket();
    const far = bindSocket(socket, { ...BINDING, connecting: true });
    far.on('error', () => {});
    far.destroy(new Error('NO_SIDECAR: it needs one'));
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException & { address: string }];
    expect([error.code, error.syscall, error.address]).toEqual(['ECONNREFUSED', 'connect', '240.240.1.2']);
    expect(error.message).toBe('connect ECONNREFUSED 240.240.1.2:20880: NO_SIDECAR: it needs one');
    far.connected();
    expect(socket.connecting).toBe(false);
  });

  test.each<[string, boolean, NodeJS.ErrnoException, string]>([
    ['refused', true, connectError('ECONNREFUSED', '127.0.0.1', 1), 'connect ECONNREFUSED 240.240.1.2:20880'],
    ['unreachable', true, connectError('EHOSTUNREACH', '127.0.0.1', 1), 'connect EHOSTUNREACH 240.240.1.2:20880'],
    ['reset', false, systemError('read', 'ECONNRESET'), 'read ECONNRESET'],
    ['timed out', false, systemError('read', 'ETIMEDOUT'), 'read ETIMEDOUT'],
  ])(
    'what the system says of the connection that carries it is what it says: %s',
    async (_name, connecting, cause, message) => {
      const socket = new Socket();
      const far = bindSocket(socket, { ...BINDING, connecting });
      far.on('error', () => {});
      far.destroy(cause);
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
      expect(error).toMatchObject({ message, code: cause.code, errno: cause.errno, syscall: cause.syscall });
      expect(error.cause).toBeUndefined();
    },
  );

  test('what a listener throws is its own, and the connection goes on', async () => {
    const socket = new Socket();
    const far = bindSocket(socket, BINDING);
    const thrown: unknown[] = [];
    const original = process.nextTick;
    process.nextTick = ((run: (...args: unknown[]) => void, ...args: unknown[]) =>
      original(() => {
        try {
          run(...args);
        } catch (error) {
          thrown.push(error);
        }
      })) as never;
    try {
      const got: string[] = [];
      socket.on('data', (chunk) => {
        got.push(String(chunk));
        if (got.length === 1) throw new Error('a mistake of the app');
      });
      await turn();
      await new Promise((resolve) => far.write('one', resolve));
      await new Promise((resolve) => far.write('two', resolve));
      expect(got).toEqual(['one', 'two']);
    } finally {
      process.nextTick = original;
      socket.destroy();
    }
    expect(thrown).toEqual([expect.objectContaining({ message: 'a mistake of the app' })]);
  });

  test.each([
    ['that is read', false],
    ['that is not, until it is', true],
  ])(
    'a listener of connect that throws: a socket %s gets what came before, in a turn of its own',
    async (_name, paused) => {
      const socket = new Socket();
      const far = bindSocket(socket, { ...BINDING, connecting: true });
      const got: string[] = [];
      socket.on('data', (chunk) => got.push(String(chunk)));
      if (paused) socket.pause();
      socket.once('connect', () => {
        throw new Error('a mistake of the app');
      });
      const written = new Promise((resolve) => far.write('early', resolve));
      expect(() => far.connected()).toThrow('a mistake of the app');
      expect(got).toEqual([]);
      await turn();
      expect(got).toEqual(paused ? [] : ['early']);
      socket.resume();
      await written;
      await turn();
      expect(got).toEqual(['early']);
      socket.destroy();
    },
  );

  test('undone while it is open, it is closed to the other end', async () => {
    const socket = new Socket();
    const far = bindSocket(socket, BINDING);
    socket.write('last words');
    unbindSocket(socket);
    expect(await whole(far)).toBe('last words');
  });

  test('undone, it is a socket of the system again', async () => {
    const { socket, connect, closed } = plain.make();
    bindSocket(socket, BINDING);
    expect(isBound(socket)).toBe(true);
    socket.destroy();
    await closed();
    unbindSocket(socket);
    expect(isBound(socket)).toBe(false);
    expect(Object.getOwnPropertyNames(socket).sort()).toEqual(Object.getOwnPropertyNames(new Socket()).sort());
    const far = await connect();
    socket.end('plain');
    expect(await whole(far)).toBe('plain');
  });
});

describe('what builds on a socket builds on a bound one', () => {
  /** Bound, with a server of the system at its far end. */
  async function joined(server: Server, connecting: boolean): Promise<Socket> {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const socket = new Socket();
    const far = bindSocket(socket, { ...BINDING, connecting });
    const other = connect((server.address() as { port: number }).port, '127.0.0.1');
    far.pipe(other).pipe(far);
    if (connecting) setImmediate(() => far.connected());
    return socket;
  }
  const pem = (name: string) => readFileSync(join(import.meta.dirname, '../../../support/certificates', name));
  const secure = { key: pem('server.key'), cert: pem('server.pem') };

  test.each([true, false])('TLS that is begun on it (while it connects: %p)', async (connecting) => {
    const server = createTls(secure, (socket) => socket.pipe(socket));
    const socket = await joined(server, connecting);
    const encrypted = connectTls({ socket, ca: pem('root.pem'), servername: 'aeraki' });
    await once(encrypted, 'secureConnect');
    encrypted.end('x'.repeat(200_000));
    expect((await whole(encrypted)).length).toBe(200_000);
    server.close();
  });

  test('HTTP', async () => {
    const server = createHttp(async (incoming, outgoing) => outgoing.end(`${(await whole(incoming as never)).length}`));
    const socket = await joined(server, true);
    const asked = request({ method: 'POST', createConnection: () => socket });
    asked.end('x'.repeat(200_000));
    const [answer] = (await once(asked, 'response')) as [Duplex];
    expect(await whole(answer)).toBe('200000');
    server.close();
  });

  test('HTTP/2', async () => {
    const server = createHttp2();
    server.on('stream', (stream) => stream.pipe(stream));
    const socket = await joined(server as unknown as Server, true);
    const session = connectHttp2('http://demo.test', { createConnection: () => socket });
    const stream = session.request({ ':method': 'POST' });
    stream.end('x'.repeat(200_000));
    expect((await whole(stream)).length).toBe(200_000);
    session.destroy();
    server.close();
  });
});
