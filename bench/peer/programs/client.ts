/**
 * A leg's client. It calls by a socket, or, asked `--by connect` or `--by call`, by a mesh in its own process. All ways have the
 * same loop and the same checks of replies.
 */
import { parseArgs } from 'node:util';
import { dial, socketCalls } from '../calls/socket-calls.js';
import type { OpenConnection, Opened } from '../calls/ways.js';
import { type Block, type BlockFigures, ClosedLoop } from '../kit/closed-loop.js';
import { obey } from '../kit/control.js';
import { countedBy, preloadedMesh } from '../kit/preload.js';
import type { Exchange } from '../kit/wire.js';

export type ClientTask =
  | {
      readonly type: 'open';
      readonly exchange: Exchange;
      readonly host: string;
      readonly port: number;
      callers: number;
    }
  | ({ readonly type: 'block' } & Block)
  | { readonly type: 'close' }
  /** Of this process's mesh, if it has one. */
  | { readonly type: 'counted' };

const { values: flags } = parseArgs({
  options: { by: { type: 'string', default: 'socket' }, rules: { type: 'string', default: '' } },
});

let loop: ClosedLoop;
let opened: Opened | undefined;
let mesh = await preloadedMesh();

obey(async (task: ClientTask): Promise<BlockFigures | number | undefined> => {
  if (task.type === 'block') return loop.run(task);
  if (task.type === 'counted') return mesh && countedBy(mesh);
  opened?.close();
  opened = undefined;
  if (task.type === 'close') return undefined;
  const { exchange, host, port, callers } = task;
  const way = await wayOf();
  const replied = (id: number, token: number, intact: boolean) => loop.replied(id, token, intact);
  opened = await way(exchange, { host, port }, callers, replied);
  loop = new ClosedLoop(callers, opened.send);
  return undefined;
});

async function wayOf() {
  if (flags.by === 'socket') return socketCalls(dial);
  const { startBenchMesh, meshWays } = await import('../calls/mesh-calls.js');
  mesh ??= await startBenchMesh(flags.rules);
  const ways = meshWays(mesh);
  if (flags.by === 'call') return ways.call;
  const connect: OpenConnection = ways.connect;
  return socketCalls(connect);
}
