/** The server that is called: for each protocol two ports, which are the endpoints of its service. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { obey } from '../kit/control.js';
import { FrameReader } from '../kit/frame-reader.js';
import { countedBy, preloadedMesh } from '../kit/preload.js';
import { type Exchange, filled } from '../kit/wire.js';

export type ServerTask =
  | {
      readonly type: 'listen';
      /** By protocol: one for each size. */
      readonly exchanges: Readonly<Record<string, readonly Exchange[]>>;
      /** @defaultValue any that are free */
      readonly ports?: Ports;
    }
  | { readonly type: 'counted' };

/** By protocol. */
export type Ports = Readonly<Record<string, readonly number[]>>;

obey(async (task: ServerTask): Promise<Ports | number> => {
  if (task.type === 'counted') return countedBy((await preloadedMesh())!);
  const ports: Record<string, number[]> = {};
  for (const [protocol, sizes] of Object.entries(task.exchanges)) {
    const [first = 0, second = 0] = task.ports?.[protocol] ?? [];
    ports[protocol] = [await listen(sizes, first), await listen(sizes, second)];
  }
  return ports;
});

async function listen(sizes: readonly Exchange[], port: number): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => answer(socket, sizes));
  server.listen({ port, host: '127.0.0.1' });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** In one write for all that came at once. */
function answer(socket: Socket, sizes: readonly Exchange[]): void {
  const { wire } = sizes[0]!;
  const largestFirst = sizes.toSorted((a, b) => b.size - a.size);
  let pieces: Buffer[] = [];
  const reader = new FrameReader(wire, wire.requestTokenAt, (id, token, length) => {
    // A proxy may have put something into the request.
    const asked = largestFirst.find((it) => it.request.length <= length)!;
    for (const piece of filled(asked.reply, wire, wire.replyTokenAt, id, token)) pieces.push(piece);
  });
  socket.on('data', (chunk: Buffer) => {
    reader.push(chunk);
    if (pieces.length === 0) return;
    if (pieces.length === 1) socket.write(pieces[0]!);
    else writeAll(socket, pieces);
    pieces = [];
  });
  socket.on('error', () => socket.destroy());
}

function writeAll(socket: Socket, pieces: readonly Buffer[]): void {
  socket.cork();
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
}
