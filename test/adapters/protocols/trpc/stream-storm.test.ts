import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { trpc } from '../../../../adapters/protocols/trpc/index.js';
import type { Message } from '../../../../src/message/index.js';
import { QUIET, quiet } from '../../../mesh/scene.js';
import { requestOf } from './golden.js';
import { scene, turn, V1, type Wire } from './scene.js';

const codec = trpc.open('downstream');
const OPEN = requestOf('go-stream-bidi');

function frame(type: number, streamId: number, payload = ''): Buffer {
  const bytes = Buffer.concat([Buffer.from([9, 0x30, 1, type]), Buffer.alloc(12), Buffer.from(payload, 'latin1')]);
  bytes.writeUInt32BE(bytes.length, 4);
  bytes.writeUInt32BE(streamId, 10);
  return bytes;
}

const DATA = 2;
const CLOSE = 4;
const RESET = '\x08\x01';

function textOf(message: Message): string {
  return Buffer.concat(message.bytes).toString('latin1', 16);
}

const steps = fc.array(
  fc.record({
    what: fc.constantFrom(
      'open',
      'open',
      'up',
      'up',
      'down',
      'down',
      'down',
      'half',
      'end',
      'reset',
      'refuse',
      'lose',
      'hangup',
    ),
    client: fc.nat(1),
    stream: fc.integer({ min: 100, max: 103 }),
  }),
  { minLength: 100, maxLength: 120 },
);

/** Streams of two clients, opened, fed, ended, reset and lost at random: no message is ever crossed, and nothing is left. */
test('streams at random', async () => {
  let there = 0;
  let back = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const it = await scene();
      const server = it.server(V1);
      const clients = [it.client(), it.client()];
      const all = clients.map((wire, client) => ({ wire, client }));
      /** Streams at the server: which generation of which client's id opened them, as their opening says. */
      const live = () =>
        server.connections.flatMap((wire) => {
          const over = new Set(wire.messages.filter(({ kind }) => kind === 'stream-close').map(({ idLow }) => idLow));
          const openings = wire.messages.filter(({ kind, idLow }) => kind === 'stream-open' && !over.has(idLow));
          return wire.closed ? [] : openings.map((opening) => ({ wire, opening }));
        });
      const ended = new Set<Message>();
      for (const { what, client, stream } of script) {
        const wire = clients[client]!;
        const at = live().filter(({ opening }) => !ended.has(opening));
        const some = at[stream % Math.max(1, at.length)];
        const name = `${client}/${stream}`;
        if (what === 'open') {
          const sent = codec.encode(OPEN, { idHigh: 0, idLow: stream }, undefined);
          wire.write(Buffer.concat(sent), frame(DATA, stream, name));
        } else if (what === 'up') wire.write(frame(DATA, stream, name));
        else if (what === 'half') wire.write(frame(CLOSE, stream));
        else if (what === 'reset') wire.write(frame(CLOSE, stream, RESET));
        else if (what === 'hangup' && stream === 100) {
          wire.stream.destroy();
          clients[client] = it.client();
          all.push({ wire: clients[client]!, client });
        } else if (some !== undefined) {
          const { idLow } = some.opening;
          const owner = ownerOf(some.wire, idLow);
          if (what === 'down' && owner !== undefined) some.wire.write(frame(DATA, idLow, owner));
          if (what === 'lose' && stream < 102) some.wire.stream.destroy();
          if (what === 'end' || what === 'refuse') {
            ended.add(some.opening);
            some.wire.write(frame(CLOSE, idLow, what === 'end' ? '' : RESET));
          }
        }
        // Some steps in one tick, most each in its own.
        for (let i = 0; i < 4 && (what !== 'up' || stream === 103); i++) await turn();
        it.runtime.advance(200);
      }
      for (let i = 0; i < 10; i++) await turn();
      // What reached a client is of its own streams, under the stream's own id; what reached the server, of one stream each.
      for (const { client, wire } of all) {
        for (const message of wire.messages) {
          if (message.bytes[0]![3] !== DATA) continue;
          expect(textOf(message)).toBe(`${client}/${message.idLow}`);
          back++;
        }
      }
      for (const wire of server.connections) {
        there += wire.messages.length;
        for (const { idLow } of wire.messages) expect(owners(wire, idLow).size).toBeLessThanOrEqual(1);
      }
      for (const wire of clients) wire.stream.destroy();
      for (let i = 0; i < 20; i++) await turn();
      expect(quiet(it.mesh)).toEqual(QUIET);
    }),
    { numRuns: 25 },
  );
  expect({ there: there > 500, back: back > 100 }).toEqual({ there: true, back: true });
}, 60_000);

function owners(wire: Wire, idLow: number): Set<string> {
  return new Set(
    wire.messages.filter((it) => it.idLow === idLow && it.bytes[0]![3] === DATA).map((message) => textOf(message)),
  );
}

/** Whose stream it is, as its first data says. */
function ownerOf(wire: Wire, idLow: number): string | undefined {
  return [...owners(wire, idLow)][0];
}
