import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import type { Server, ServerOpts, Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isServerSocket } from '../../../../adapters/hosts/register/server-socket.js';
import { frame, KIND } from '../../../connection/support/frame-protocol.js';
import {
  echo,
  FrameClient,
  frameServer,
  type Installed,
  install,
  listening,
  reply,
  rulesOf,
  serveFrames,
} from './support/served.js';

/** What an app sees of its connections with the mesh in front of it must be what it sees without. */

let installed: Installed;
beforeAll(async () => {
  installed = await install();
});
afterAll(() => installed.close());

/** What a scenario needs of the one world and the other. */
interface Place {
  /** Listens; governed, or not. */
  open(server: Server): Promise<number>;
}
const plain: Place = { open: (server) => listening(server) };
const governed: Place = {
  async open(server) {
    const port = await listening(server);
    installed.source.set(rulesOf(port));
    return port;
  },
};

type Scenario = (place: Place) => Promise<unknown>;

const turn = () => new Promise((resolve) => setImmediate(resolve));
const EVENTS = ['connect', 'ready', 'end', 'finish', 'timeout', 'error', 'close'] as const;

/** How bytes are cut into chunks is nobody's promise: consecutive ones count as one. */
function log(socket: Socket): string[] {
  const lines: string[] = [];
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    if (bytes > 0) lines.pop();
    bytes += chunk.length;
    lines.push(`data ${bytes}`);
  });
  for (const name of EVENTS) {
    socket.on(name, (it?: unknown) => {
      const said = (it as NodeJS.ErrnoException | undefined)?.code ?? it;
      lines.push(said === undefined ? name : `${name} ${said}`);
    });
  }
  return lines;
}

async function closeServer(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

/** A server with one client, and the app's socket of it. */
async function pair(place: Place, options: ServerOpts = {}) {
  const server = frameServer(echo, options);
  const port = await place.open(server);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = FrameClient.dial(port);
  const [socket] = await accepted;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  return { server, port, client, socket, closed, lines: log(socket) };
}

const scenarios: Record<string, Scenario> = {
  'a life: a call, and the client ends': async (place) => {
    const { server, client, lines, closed } = await pair(place);
    const answer = await client.call('a');
    client.stream.end();
    await closed;
    await closeServer(server);
    return { answer, lines };
  },

  'what a socket shows of itself': async (place) => {
    const { server, port, client, socket, closed } = await pair(place);
    await client.call('a');
    const { readyState, connecting, pending, destroyed, allowHalfOpen, writableHighWaterMark, timeout } = socket;
    const { localAddress, localPort, localFamily, remoteAddress, remoteFamily, remotePort } = socket;
    const shown = {
      ...{ readyState, connecting, pending, destroyed, allowHalfOpen, writableHighWaterMark, timeout },
      ...{ localAddress, localFamily, remoteAddress, remoteFamily, address: { ...socket.address(), port: 0 } },
      ports: [localPort === port, remotePort === (client.stream as Socket).localPort],
      server: (socket as Socket & { server?: Server }).server === server,
      chain: [socket.setNoDelay(true), socket.setKeepAlive(true, 1_000), socket.ref(), socket.setTimeout(0)].map(
        (it) => it === socket,
      ),
      bytes: [socket.bytesRead, socket.bytesWritten],
    };
    client.stream.end();
    await closed;
    const after = [socket.readyState, socket.destroyed, socket.remoteAddress];
    await closeServer(server);
    return { shown, after };
  },

  'the app ends': async (place) => {
    const { server, client, socket, lines, closed } = await pair(place);
    await client.call('a');
    socket.end();
    await client.ended;
    client.stream.end();
    await closed;
    await closeServer(server);
    return lines;
  },

  'the app destroys its socket': async (place) => {
    const { server, client, socket, lines } = await pair(place);
    const ends: string[] = [];
    for (const name of ['end', 'error', 'close']) client.stream.once(name, () => ends.push(name));
    await client.call('a');
    socket.destroy();
    await client.ended;
    client.stream.end();
    await client.closed;
    await closeServer(server);
    return { lines, ends };
  },

  'the app destroys its socket with an error': async (place) => {
    const { server, client, socket, lines } = await pair(place);
    await client.call('a');
    socket.destroy(Object.assign(new Error('enough'), { code: 'ENOUGH' }));
    await client.ended;
    client.stream.end();
    await closeServer(server);
    return lines;
  },

  'the app resets the connection': async (place) => {
    const { server, client, socket, lines } = await pair(place);
    const errors: unknown[] = [];
    client.stream.once('error', (error: NodeJS.ErrnoException) => errors.push(error.code));
    await client.call('a');
    socket.resetAndDestroy();
    await client.closed;
    await closeServer(server);
    return { errors, lines };
  },

  'the client resets the connection': async (place) => {
    const { server, client, lines, closed } = await pair(place);
    await client.call('a');
    (client.stream as Socket).resetAndDestroy();
    await closed;
    await closeServer(server);
    return lines;
  },

  'the client ends, and the app may be half-open': async (place) => {
    const { server, client, socket, lines, closed } = await pair(place, { allowHalfOpen: true });
    await client.call('a');
    client.stream.end();
    await once(socket, 'end');
    await turn();
    const between = [socket.readyState, socket.writable];
    socket.end();
    await client.closed;
    await closed;
    await closeServer(server);
    return { between, lines };
  },

  'an idle connection times out': async (place) => {
    const { server, client, socket, lines } = await pair(place);
    socket.setTimeout(20, () => socket.destroy());
    await client.ended;
    client.stream.end();
    await closeServer(server);
    return lines;
  },

  'the server counts connections, and drops what is over the maximum': async (place) => {
    const server = frameServer();
    server.maxConnections = 2;
    const port = await place.open(server);
    const dropped = once(server, 'drop') as Promise<[{ localPort: number }]>;
    const clients = [FrameClient.dial(port), FrameClient.dial(port)];
    for (const it of clients) await it.call('x');
    const third = FrameClient.dial(port);
    const [{ localPort }] = await dropped;
    await third.ended;
    const count = () => new Promise((resolve) => server.getConnections((_error, n) => resolve(n)));
    const before = await count();
    for (const it of clients) it.stream.end();
    for (const it of clients) await it.closed;
    await closeServer(server);
    return [localPort === port, before, await count()];
  },

  'a server that is closed goes on until its connections are': async (place) => {
    const { server, client } = await pair(place);
    let over = false;
    server.close(() => {
      over = true;
    });
    const answer = await client.call('still served');
    const before = over;
    client.stream.end();
    await once(server, 'close');
    return [answer, before, over];
  },

  'a server whose app destroys all is closed at once': async (place) => {
    const { server, client, socket } = await pair(place);
    await client.call('a');
    const over = once(server, 'close');
    server.close();
    socket.destroy();
    await over;
    client.stream.destroy();
    return true;
  },

  'the async context of handlers is that of the server, not of another call': async (place) => {
    const als = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const server = frameServer((request, stream) => {
      seen.push(als.getStore());
      als.run('of a call', () => {
        stream.write(reply(request), () => seen.push(`written ${als.getStore()}`));
        setImmediate(() => seen.push(`later ${als.getStore()}`));
      });
    });
    server.on('connection', (socket) => {
      seen.push(`connection ${als.getStore()}`);
      socket.on('close', () => seen.push(`close ${als.getStore()}`));
    });
    const port = await als.run('of listen', () => place.open(server));
    const client = als.run('of the client', () => FrameClient.dial(port));
    await als.run('of the caller', () => client.call('a'));
    await client.call('b');
    await turn();
    client.stream.end();
    await client.closed;
    await closeServer(server);
    return seen.sort();
  },

  'handlers that the app adds and takes away by hand': async (place) => {
    const seen: string[] = [];
    const server = frameServer();
    server.prependListener('connection', () => seen.push('first'));
    server.once('connection', () => seen.push('once'));
    const port = await place.open(server);
    for (let i = 0; i < 2; i++) {
      const client = FrameClient.dial(port);
      await client.call('x');
      client.stream.end();
      await client.closed;
    }
    await closeServer(server);
    return seen;
  },

  'a socket that is handed to another server of the app': async (place) => {
    const inner = frameServer();
    let same: Socket | undefined;
    inner.on('connection', (socket) => {
      same = socket;
    });
    const { createServer } = await import('node:net');
    let outer: Socket | undefined;
    const server = createServer((socket) => {
      outer = socket;
      inner.emit('connection', socket);
    });
    const client = FrameClient.dial(await place.open(server));
    const answer = await client.call('a');
    client.stream.end();
    await client.closed;
    await closeServer(server);
    return [answer, same === outer];
  },

  'a socket is piped elsewhere, with back-pressure': async (place) => {
    const { createServer } = await import('node:net');
    const echoing = createServer((socket) => serveFrames(socket));
    const inner = await listening(echoing);
    const { connect } = await import('node:net');
    const server = createServer((socket) => {
      const on = connect(inner, '127.0.0.1');
      socket.pipe(on).pipe(socket);
    });
    const client = FrameClient.dial(await place.open(server));
    const big = 'y'.repeat(2_000_000);
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => client.call(`${i}${big}`)));
    client.stream.end();
    await client.closed;
    await closeServer(server);
    await closeServer(echoing);
    return answers.map((it, i) => it === `${i}${big}`);
  },

  'a socket that the app reads by hand': async (place) => {
    const { createServer } = await import('node:net');
    const server = createServer((socket) => {
      socket.on('readable', () => {
        const head = socket.read(14) as Buffer | null;
        if (head === null) return;
        const body = socket.read(head.readUInt32BE(10)) as Buffer;
        socket.write(frame(KIND.response, 0, head.readUInt32BE(6), `read ${body}`));
      });
    });
    const client = FrameClient.dial(await place.open(server));
    const answer = await client.call('a');
    client.stream.end();
    await client.closed;
    await closeServer(server);
    return answer;
  },
};

test.each(Object.keys(scenarios))('%s', async (name) => {
  const scenario = scenarios[name]!;
  const without = await scenario(plain);
  let bound = 0;
  const through: Place = {
    async open(server) {
      server.on('connection', (socket) => {
        if (isServerSocket(socket)) bound++;
      });
      return governed.open(server);
    },
  };
  expect(await scenario(through)).toEqual(without);
  expect(bound).toBeGreaterThan(0);
});
