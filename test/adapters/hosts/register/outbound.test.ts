import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import dns from 'node:dns';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net, { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { isBound } from '../../../../adapters/hosts/register/bound-socket.js';
import { patch } from '../../../../adapters/hosts/register/patch.js';
import { payloadOf } from '../../../connection/support/frame-protocol.js';
import { FrameClient } from '../../../mesh/frame-client.js';
import { freePort } from '../../../support/free-ports.mjs';
import { type Governed, governed } from './support/governed.js';

let world: Governed;
const sockets: Socket[] = [];
const servers: net.Server[] = [];

beforeEach(async () => {
  world = await governed();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  await world.close();
});

function keep(socket: Socket): Socket {
  sockets.push(socket);
  return socket.on('error', () => {});
}

/** A server that is none of the mesh's. */
async function plainServer(host = '127.0.0.1'): Promise<number> {
  const server = net.createServer((socket) => keep(socket).pipe(socket)).listen(0, host);
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

/** The events of a connect, in order, with what they say. */
function heard(socket: Socket): string[] {
  const lines: string[] = [];
  for (const name of ['lookup', 'connectionAttempt', 'connect', 'ready', 'error', 'close']) {
    socket.on(name, (...args: unknown[]) => {
      lines.push([name, ...args.map((it) => (it as NodeJS.ErrnoException | null)?.code ?? String(it))].join(' '));
    });
  }
  return lines;
}

async function echoes(socket: Socket): Promise<string> {
  return new FrameClient(keep(socket)).call('hello');
}

describe('what is governed', () => {
  const forms: Record<string, (port: number, host: string) => Socket> = {
    'socket.connect(port, host)': (port, host) => new Socket().connect(port, host),
    'socket.connect(port as text, host)': (port, host) => new Socket().connect(`${port}` as never, host),
    'socket.connect(options)': (port, host) => new Socket().connect({ port, host }),
    'net.connect(port, host)': (port, host) => net.connect(port, host),
    'net.connect(options)': (port, host) =>
      net.connect({ port, host, noDelay: true, keepAlive: true, timeout: 60_000 }),
    'net.createConnection(options)': (port, host) => net.createConnection({ port, host, autoSelectFamily: true }),
    'with family, hints and a lookup of its own': (port, host) =>
      net.connect({
        ...{ port, host, family: 4, hints: 0 },
        lookup: () => expect('a name of the mesh').toBe('looked up'),
      }),
    'a class derived from Socket': (port, host) => new (class extends Socket {})().connect(port, host),
  };

  test.each(Object.entries(forms))('%s', async (_name, connect) => {
    const socket = connect(9000, 'demo.test');
    expect([isBound(socket), socket.connecting, socket.readyState]).toEqual([true, true, 'opening']);
    expect(await echoes(socket)).toBe('hello');
  });

  test.each([
    ['a virtual address of the rules', '10.7.7.7', 9000],
    ['its name, in other letters, with the root’s dot', 'Demo.Test.', 9000],
    ['a short name', 'demo', 9000],
    ['a name that the system would complete', 'demo.shop', 9000],
    ['no host at all', undefined, 9000],
  ])('%s', async (_name, host, port) => {
    expect(await echoes(net.connect({ port, host } as net.TcpNetConnectOpts))).toBe('hello');
    expect(isBound(sockets.at(-1)!)).toBe(true);
  });

  test.each(['127.0.0.1', 'localhost'])('the address of an endpoint: %s', async (host) => {
    const socket = net.connect(world.server.port, host);
    expect(isBound(socket)).toBe(true);
    expect(await echoes(socket)).toBe('hello');
  });

  test('callbacks are called once it is connected; addresses are as of a socket of the system', async () => {
    const called: string[] = [];
    const socket = keep(net.connect(9000, 'virtual.test', () => called.push(`net ${socket.readyState}`)));
    const other = keep(
      new Socket().connect({ port: 9000, host: 'demo.test', localPort: 5 }, () => called.push('socket')),
    );
    expect(called).toEqual([]);
    await once(other, 'ready');
    expect(called).toEqual(['net open', 'socket']);
    expect([socket.remoteAddress, socket.remotePort, socket.remoteFamily]).toEqual(['10.7.7.7', 9000, 'IPv4']);
    expect(socket.address()).toEqual({ address: '127.0.0.1', family: 'IPv4', port: expect.any(Number) });
    expect(socket.localPort).toBeGreaterThan(49_000);
    expect([other.remoteAddress, other.localPort]).toEqual([expect.stringMatching(/^240\.240\./), 5]);
  });

  test('events come as of a socket of the system', async () => {
    const port = await plainServer();
    const plain = keep(net.connect({ port, host: 'localhost', family: 4 }));
    const bound = keep(net.connect({ port: 9000, host: 'demo.test' }));
    const [expected, seen] = [heard(plain), heard(bound)];
    await Promise.all([once(plain, 'ready'), once(bound, 'ready')]);
    const address = bound.remoteAddress!;
    expect(seen).toEqual(
      expected.map((it) =>
        it.replaceAll('127.0.0.1', address).replace(`${port}`, '9000').replace('localhost', 'demo.test'),
      ),
    );
  });

  test('also those of a stream that is passed on come in the context of connect', async () => {
    const ports = { 'demo.test:9000': await plainServer() };
    const passing = await governed({ placement: 'sidecar', sidecar: { ports } });
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const socket = storage.run('mine', () => keep(net.connect(9000, 'demo.test')));
    for (const name of ['lookup', 'connect', 'data']) socket.on(name, () => seen.push(name, storage.getStore()));
    socket.write('echo');
    await once(socket, 'data');
    expect(seen).toEqual(['lookup', 'mine', 'connect', 'mine', 'data', 'mine']);
    socket.destroy();
    await passing.close();
  });

  test('diagnostics tell of it', () => {
    const told: unknown[] = [];
    const tell = (message: unknown) => told.push((message as { socket: Socket }).socket);
    subscribe('net.client.socket', tell);
    const socket = keep(net.connect(9000, 'demo.test'));
    unsubscribe('net.client.socket', tell);
    expect(told).toEqual([socket]);
  });

  test('what the mesh cannot take is refused, with the reason', async () => {
    await world.mesh.close({ drainMs: 0 });
    const socket = new Socket();
    const lines = heard(socket);
    socket.connect(9000, 'demo.test');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect([error.code, error.message]).toEqual(['ECONNREFUSED', expect.stringMatching(/:9000: DRAINING/)]);
    await once(socket, 'close');
    expect(lines).toEqual(['error ECONNREFUSED', 'close true']);
  });

  test('a second connect breaks one under way, and changes nothing once it is done', async () => {
    const port = await plainServer();
    for (const [host, at] of [
      ['127.0.0.1', port],
      ['demo.test', 9000],
    ] as const) {
      const socket = keep(new Socket());
      const told = once(socket, 'error').catch((error) => [error]);
      socket.connect(at, host).connect(at, host);
      expect((await told)[0]).toMatchObject({ code: 'EALREADY', syscall: 'connect' });
    }
    const socket = keep(new Socket());
    const client = new FrameClient(socket);
    await once(socket.connect(9000, 'demo.test'), 'ready');
    await once(socket.connect(9000, 'demo.test'), 'ready');
    expect(await client.call('still')).toBe('still');
  });

  test('also one to where nothing is governed', async () => {
    const [port, other] = [await plainServer(), await plainServer()];
    const seen = async (host: string, at: number) => {
      const early = keep(new Socket());
      const told = once(early, 'error').catch((error) => [error]);
      early.connect(at, host).connect(other, '127.0.0.1');
      const [{ code, syscall, port: named }] = await told;
      const socket = keep(new Socket());
      await once(socket.connect(at, host), 'ready');
      const { remotePort } = socket;
      const lines = heard(socket);
      await once(socket.connect(other, '127.0.0.1'), 'ready');
      return { code, syscall, named, stays: socket.remotePort === remotePort, lines: lines.slice(-2) };
    };
    expect(await seen('demo.test', 9000)).toEqual(await seen('127.0.0.1', port));
  });

  test('what is sent one way is on its way, also if the socket is destroyed at once', async () => {
    const client = new FrameClient(keep(net.connect(9000, 'demo.test')));
    await once(client.stream, 'ready');
    client.oneway('told');
    client.stream.destroy();
    await world.server.until(() => world.server.requests.length > 0);
    expect(world.server.requests.map(payloadOf)).toEqual(['told']);
  });

  test('aborted, and blocked by the app’s own list', async () => {
    const control = new AbortController();
    const aborted = keep(net.connect({ port: 9000, host: 'demo.test', signal: control.signal }));
    const told = new Promise<Error>((resolve) => aborted.once('error', resolve));
    control.abort();
    expect(await told).toMatchObject({ code: 'ABORT_ERR' });
    const blockList = new net.BlockList();
    blockList.addSubnet('10.7.0.0', 16);
    const blocked = keep(net.connect({ port: 9000, host: 'virtual.test', blockList } as never));
    expect((await new Promise<Error>((resolve) => blocked.once('error', resolve))) as unknown).toMatchObject({
      code: 'ERR_IP_BLOCKED',
    });
  });
});

describe('what is not', () => {
  /** What Node's own `connect` was given. */
  function beneath(): { calls: unknown[][]; undo(): void } {
    const calls: unknown[][] = [];
    world.undo();
    const under = patch(Socket.prototype, 'connect', (connect) => {
      return function (...args) {
        calls.push(args);
        return connect.apply(this, args);
      };
    });
    return { calls, undo: under.undo };
  }

  test('is connected by Node, with the very arguments', async () => {
    const under = beneath();
    const again = await governed();
    const port = await plainServer();
    const options = { port, host: '127.0.0.1' };
    const callback = () => {};
    const socket = keep(new Socket().connect(options, callback));
    await once(socket, 'connect');
    expect(under.calls).toHaveLength(1);
    expect(under.calls[0]![0]).toBe(options);
    expect(under.calls[0]![1]).toBe(callback);
    expect(isBound(socket)).toBe(false);
    await again.close();
    under.undo();
  });

  test('a path is a path', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'meltemi-path-'));
    const path = join(folder, 'socket');
    const server = net.createServer((socket) => keep(socket).end('here')).listen(path);
    servers.push(server);
    await once(server, 'listening');
    for (const connect of [() => net.connect(path), () => new Socket().connect({ path })]) {
      const socket = keep(connect());
      expect(String((await once(socket, 'data'))[0])).toBe('here');
      expect(isBound(socket)).toBe(false);
    }
    rmSync(folder, { recursive: true });
  });

  test('a refused connection is what it was', async () => {
    const port = await freePort();
    const told = async (): Promise<object> => {
      const [error] = await once(new Socket().connect(port, '127.0.0.1'), 'error').catch((thrown) => [thrown]);
      return { message: error.message, ...error };
    };
    const seen = await told();
    world.undo();
    expect(seen).toEqual(await told());
    expect(seen).toMatchObject({ code: 'ECONNREFUSED', port });
  });

  test.each<[string, unknown[]]>([
    ['nothing', [{}]],
    ['a port that is none', [70_000, 'demo.test']],
    ['a port of another kind', [{ port: true, host: 'demo.test' }]],
    ['a local address that is none', [{ port: 9000, host: 'demo.test', localAddress: 'here' }]],
    ['a lookup that is none', [{ port: 9000, host: 'demo.test', lookup: 'x' }]],
  ])('mistakes are Node’s to refuse: %s', (_name, args) => {
    const thrown = () => {
      try {
        keep(new Socket()).connect(...(args as [never]));
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
      return 'nothing';
    };
    const seen = thrown();
    world.undo();
    expect(seen).toBe(thrown());
    expect(seen).toMatch(/^ERR_/);
  });

  test('another port of a host of the mesh: the real host, by name and by our address for it', async () => {
    const port = await plainServer('localhost');
    const { address } = await dns.promises.lookup('localhost');
    expect(address).toMatch(/^240\.240\./);
    for (const options of [{ host: 'localhost' }, { host: address }, { host: 'localhost', lookup: undefined }]) {
      const socket = keep(net.connect({ port, ...options }));
      socket.write('echo');
      expect(String((await once(socket, 'data'))[0])).toBe('echo');
      expect(isBound(socket)).toBe(false);
    }
  });

  test('TLS that the client begins goes past the mesh, and is told of once', async () => {
    for (let i = 0; i < 2; i++) {
      const socket = keep(tls.connect(world.rawPort, '127.0.0.1'));
      await once(socket, 'connect');
      expect(isBound(socket)).toBe(false);
    }
    expect(world.warned).toEqual([expect.stringMatching(/^TLS of this app to 127\.0\.0\.1:\d+ goes past the mesh/)]);
  });

  test('one socket may be both, one after the other', async () => {
    const port = await plainServer();
    const socket = keep(new Socket());
    for (const [at, host, bound] of [
      [9000, 'demo.test', true],
      [port, '127.0.0.1', false],
      [9000, 'demo.test', true],
    ] as const) {
      await once(socket.connect(at, host), 'ready');
      expect(isBound(socket)).toBe(bound);
      socket.destroy();
      await once(socket, 'close');
    }
  });
});

describe('undone', () => {
  test('all is as it was', async () => {
    const connect = Socket.prototype.connect;
    const { lookup } = dns;
    world.undo();
    expect(Socket.prototype.connect).not.toBe(connect);
    expect(dns.lookup).not.toBe(lookup);
    const again = await governed();
    again.undo();
    expect(Object.getOwnPropertyDescriptor(Socket.prototype, 'connect')).toMatchObject({
      writable: true,
      enumerable: true,
    });
    const socket = keep(net.connect(9000, '127.0.0.1'));
    expect(isBound(socket)).toBe(false);
    await again.close();
  });

  test('where somebody has replaced ours since, theirs stays and ours lets all through', async () => {
    const seen: unknown[] = [];
    const over = patch(Socket.prototype, 'connect', (connect) => {
      return function (...args) {
        seen.push(args.length);
        return connect.apply(this, args);
      };
    });
    const theirs = Socket.prototype.connect;
    expect(await echoes(new Socket().connect(9000, 'demo.test'))).toBe('hello');
    world.undo();
    expect(Socket.prototype.connect).toBe(theirs);
    const socket = keep(new Socket().connect(9000, '127.0.0.1'));
    expect([isBound(socket), seen]).toEqual([false, [2, 2]]);
    over.undo();
  });
});
