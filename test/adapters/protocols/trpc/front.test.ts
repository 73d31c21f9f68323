import { expect, test } from '@jest/globals';
import { trpc } from '../../../../adapters/protocols/trpc/index.js';
import { inProcessDuplex } from '../../../../src/connection/index.js';
import type { Front } from '../../../../src/index.js';
import type { Message } from '../../../../src/message/index.js';
import { QUIET, quiet } from '../../../mesh/scene.js';
import { decoded, frameBytes, golden, requestOf } from './golden.js';
import { scene, turn, until, Wire } from './scene.js';

const codec = trpc.open('downstream');

function as(message: Message, streamId: number): Buffer {
  return Buffer.concat(codec.encode(message, { idHigh: 0, idLow: streamId }));
}

function recorded(from: 'client' | 'server', type: string): Message {
  const [connection] = golden('go-stream-bidi').connections;
  const frame = connection!.frames.find((it) => it.from === from && it.type === type)!;
  return decoded(frameBytes(connection!, frame), from === 'client' ? 'downstream' : 'upstream');
}

const OPEN = requestOf('go-stream-bidi');
const ANSWER = recorded('server', 'stream-init');
const CLOSE = recorded('server', 'stream-close');

/** A client, and what the app has of it. */
function connected(front: Front) {
  const [end, accepted] = inProcessDuplex({ clientEnds: true });
  const app: Wire[] = [];
  const open = () => {
    const [theirs, far] = inProcessDuplex({ clientEnds: true });
    app.push(new Wire(theirs, 'downstream'));
    return far;
  };
  front.accept(accepted, open(), open);
  return { client: new Wire(end, 'upstream'), app };
}

test('each stream of a client has a stream of its own to the app; one that has ended in order serves the next', async () => {
  const { mesh } = await scene();
  const { client, app } = connected(mesh.front({ port: 8000, service: 'greeter.test:8000' }));
  client.write(as(OPEN, 100), as(OPEN, 101));
  await until(() => app.length === 3 && app[1]!.waiting === 1 && app[2]!.waiting === 1);
  for (const wire of app.slice(1)) wire.write(as(ANSWER, (await wire.next()).idLow));
  expect([(await client.next()).idLow, (await client.next()).idLow]).toEqual([100, 101]);
  app[1]!.write(as(CLOSE, app[1]!.messages[0]!.idLow));
  expect([(await client.next()).kind, quiet(mesh).calls]).toEqual(['stream-close', 1]);
  client.write(as(OPEN, 102));
  await until(() => app[1]!.waiting === 1);
  expect([app.length, app[0]!.messages.length]).toEqual([3, 0]);
  client.stream.destroy();
  await until(() => app.every((wire) => wire.closed));
  await turn();
  expect(quiet(mesh)).toEqual(QUIET);
});

test('an app that ends the stream of one ends that alone; one that ends the connection ends all', async () => {
  const { mesh } = await scene();
  const { client, app } = connected(mesh.front({ port: 8000, service: 'greeter.test:8000' }));
  client.write(as(OPEN, 100), as(OPEN, 101));
  await until(() => app.length === 3 && app[1]!.waiting === 1 && app[2]!.waiting === 1);
  app[1]!.stream.destroy();
  expect([(await client.next()).idLow, client.closed]).toEqual([100, false]);
  app[0]!.stream.destroy();
  await until(() => client.closed && app[2]!.closed);
  await turn();
  expect(quiet(mesh)).toEqual(QUIET);
});
