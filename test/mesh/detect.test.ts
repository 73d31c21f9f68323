import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { awesomerpc } from '../../adapters/protocols/awesomerpc/index.js';
import { dubbo } from '../../adapters/protocols/dubbo/index.js';
import { qza } from '../../adapters/protocols/qza/index.js';
import { videopacket } from '../../adapters/protocols/videopacket/index.js';
import type { Listener } from '../../src/connection/index.js';
import { createMesh, type Mesh } from '../../src/index.js';
import { ByteQueue, contiguous, type FramedProtocol } from '../../src/message/index.js';
import { silentLogger } from '../../src/telemetry/index.js';

const FRAMED = [videopacket, qza, awesomerpc];
const byName = new Map(FRAMED.map((protocol) => [protocol.name, protocol]));

let mesh: Mesh;
let listener: Listener;

beforeEach(async () => {
  mesh = createMesh({ sources: [], protocols: [...FRAMED, dubbo], logger: silentLogger });
  listener = await mesh.serve({
    port: 0,
    protocol: ['videopacket', 'dubbo', 'qza', 'awesomerpc'],
    handler: (_request, { call }) =>
      byName.get(call.protocol.name)!.message('response', {}, `by ${call.protocol.name}`),
  });
});

afterEach(() => mesh.close({ drainMs: 0 }));

/** Sends a request in pieces of that size; resolves with the body of the reply. */
async function ask(protocol: FramedProtocol, pieceBytes: number): Promise<string> {
  const socket = connect(listener.port, '127.0.0.1').setNoDelay();
  const request = contiguous(protocol.message('request', {}, 'hello').bytes);
  for (let at = 0; at < request.length; at += pieceBytes) {
    socket.write(request.subarray(at, at + pieceBytes));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const codec = protocol.open('upstream');
  const input = new ByteQueue();
  for await (const chunk of socket) {
    input.push(chunk);
    const reply = codec.decode(input);
    if (reply === null) continue;
    socket.destroy();
    return String(contiguous(protocol.body(reply)));
  }
  return 'closed';
}

test.each([1, 7, 1_000])('each client is served in its own protocol, in pieces of %i bytes', async (pieceBytes) => {
  const replies = await Promise.all(FRAMED.map((protocol) => ask(protocol, pieceBytes)));
  expect(replies).toEqual(['by videopacket', 'by qza', 'by awesomerpc']);
});

test('what is none of them is closed, and told', async () => {
  const told: unknown[] = [];
  const listen = (event: unknown) => told.push(event);
  subscribe('meltemi:connection:protocol-error', listen);
  const socket = connect(listener.port, '127.0.0.1');
  socket.resume().write(Buffer.concat([Buffer.of(1), Buffer.alloc(40)]));
  await once(socket, 'close');
  unsubscribe('meltemi:connection:protocol-error', listen);
  expect(told).toEqual([
    expect.objectContaining({ side: 'downstream', protocol: 'videopacket or dubbo or qza or awesomerpc' }),
  ]);
});

test('a client that says nothing is waited for, and cut when the mesh closes', async () => {
  const socket = connect(listener.port, '127.0.0.1');
  await once(socket, 'connect');
  const closed = once(socket.resume(), 'close');
  await mesh.close({ drainMs: 60_000 });
  await closed;
});

test('a list without names is refused', async () => {
  const handler = () => undefined;
  await expect(mesh.serve({ port: 0, protocol: [], handler })).rejects.toThrow('an empty list');
  await expect(mesh.serve({ port: 0, protocol: ['qza', 'nope'], handler })).rejects.toThrow("it speaks 'nope'");
});
