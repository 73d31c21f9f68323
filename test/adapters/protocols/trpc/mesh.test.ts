import { describe, expect, test } from '@jest/globals';
import { trpc } from '../../../../adapters/protocols/trpc/index.js';
import type { Message } from '../../../../src/message/index.js';
import { QUIET, quiet } from '../../../mesh/scene.js';
import { decoded, frameBytes, golden, goldenNames, replyOf, requestOf } from './golden.js';
import { policy, routes, scene, TO_V1, turn, until, V1, V2 } from './scene.js';

const codec = trpc.open('downstream');

/** The recorded reply to another request: trpc-go echoes both ids, trpc-java writes 0 as stream id. */
function replyTo(request: Message, recorded: Message, java: boolean): Buffer {
  const idHigh = java ? 0 : request.idHigh;
  return Buffer.concat(codec.encode(recorded, { idHigh, idLow: request.idLow }));
}

const unary = goldenNames.filter((name) => !name.includes('stream'));

describe('tRPC calls through a mesh', () => {
  test('every recorded exchange is what client and server would have seen without it', async () => {
    const { mesh, client, server } = await scene();
    const upstream = server(V1);
    const downstream = client();
    for (const name of unary) {
      const { server: peer, connections } = golden(name);
      for (const connection of connections) {
        const requests = connection.frames.filter((it) => it.from === 'client');
        for (const frame of requests) {
          downstream.write(frameBytes(connection, frame));
          await until(() => upstream.connections.some((it) => it.waiting > 0));
          const wire = upstream.connections.find((it) => it.waiting > 0)!;
          const arrived = await wire.next();
          const recorded = frameBytes(connection, frame);
          // Nothing but the ids is other than the client wrote it.
          expect(Buffer.concat(codec.encode(arrived, decoded(recorded))).equals(recorded)).toBe(true);
          const answer = connection.frames.find((it) => it.from === 'server' && it.id === frame.id);
          if (answer === undefined) continue;
          const reply = decoded(frameBytes(connection, answer), 'upstream');
          wire.write(replyTo(arrived, reply, peer.startsWith('trpc-java')));
          await downstream.next();
          const got = downstream.bytes.at(-1)!;
          const expected = Buffer.concat(codec.encode(reply, decoded(recorded)));
          expect(got.equals(expected)).toBe(true);
        }
      }
    }
    downstream.stream.destroy();
    await until(() => mesh.status.activeCalls === 0);
  });

  test('two clients with the same ids, and replies in another order: each gets its own', async () => {
    const { mesh, client, server } = await scene();
    const upstream = server(V1);
    const clients = [client(), client(), client()];
    const request = Buffer.concat(requestOf('go-unary').bytes);
    for (const it of clients) it.write(request);
    await until(() => upstream.connections.reduce((sum, it) => sum + it.messages.length, 0) === 3);
    const arrived = upstream.connections.flatMap((wire) => wire.messages.map((message) => ({ wire, message })));
    expect(new Set(arrived.map((it) => it.message.idLow)).size).toBe(3);
    const recorded = ['go-unary', 'go-metadata', 'go-user-error'].map(replyOf);
    for (const at of [2, 0, 1]) arrived[at]!.wire.write(replyTo(arrived[at]!.message, recorded[at]!, at === 1));
    for (const [at, it] of clients.entries()) {
      const reply = await it.next();
      expect([reply.idHigh, reply.idLow, reply.kind]).toEqual([1, 1, recorded[at]!.kind]);
    }
    expect(quiet(mesh)).toEqual(QUIET);
  });

  test('callee, func, caller and trans_info choose the route; both directions are mutated', async () => {
    const { client, server } = await scene(
      routes(`routes: [
        { name: canary,
          match: { attributes: {
            callee: { exact: trpc.golden.demo.Greeter }, func: { prefix: /trpc.helloworld.Greeter/Hello },
            caller: { exact: trpc.golden.client.Caller }, x-canary: { exact: 'yes' } } },
          requestMutation: [{ key: foo, value: bar }], responseMutation: [{ key: served-by, value: v2 }],
          route: [{ destination: { host: greeter.test, subset: v2 } }] },
        { name: stable, route: [{ destination: { host: greeter.test, subset: v1 } }] }]`),
    );
    const v1 = server(V1);
    const v2 = server(V2);
    const downstream = client();
    downstream.write(Buffer.concat(requestOf('go-metadata').bytes), Buffer.concat(requestOf('go-unary').bytes));
    await until(() => v1.connections.length === 1 && v2.connections.length === 1);
    const canary = await v2.connections[0]!.next();
    expect([canary.get('user-id'), canary.get('foo')]).toEqual(['u-17', 'bar']);
    const stable = await v1.connections[0]!.next();
    expect(stable.get('foo')).toBeUndefined();
    v2.connections[0]!.write(replyTo(canary, replyOf('go-unary'), false));
    expect((await downstream.next()).get('served-by')).toBe('v2');
    v1.connections[0]!.write(replyTo(stable, replyOf('go-unary'), false));
    expect((await downstream.next()).get('served-by')).toBeUndefined();
  });

  test('a one-way call is over when it is written', async () => {
    const { mesh, client, server } = await scene();
    const upstream = server(V1);
    const downstream = client();
    downstream.write(Buffer.concat(requestOf('go-oneway').bytes));
    await until(() => upstream.connections[0]?.messages[0]?.kind === 'oneway');
    expect(quiet(mesh)).toEqual(QUIET);
    expect(downstream.messages).toHaveLength(0);
  });

  test("the header's timeout ends the call, and what is left of it is sent", async () => {
    const { mesh, runtime, client, server } = await scene(
      TO_V1 +
        policy('attemptTimeout: 500ms, retry: { attempts: 1, idempotent: true, backoff: { base: 1ms, max: 1ms } }'),
    );
    const upstream = server(V1);
    const downstream = client();
    downstream.write(Buffer.concat(requestOf('go-unary').bytes));
    await until(() => upstream.connections[0]?.messages.length === 1);
    runtime.advance(500);
    await turn();
    runtime.advance(1);
    await until(() => upstream.connections[0]!.messages.length === 2);
    expect(upstream.connections[0]!.messages.map((it) => trpc.deadline!(it))).toEqual([1999, 1498]);
    runtime.advance(500);
    const reply = await downstream.next();
    expect([reply.status, reply.idHigh, reply.idLow]).toEqual(['21', 1, 1]);
    expect(reply.get('error_msg')).toMatch(/^meltemi: ATTEMPT_TIMEOUT: /);
    // Late replies reach nobody.
    for (const late of upstream.connections[0]!.messages) {
      upstream.connections[0]!.write(replyTo(late, replyOf('go-unary'), false));
    }
    for (let i = 0; i < 10; i++) await turn();
    expect(downstream.waiting).toBe(0);
    expect(quiet(mesh)).toEqual(QUIET);
  });

  test('what no endpoint can take is refused with a code that clients raise', async () => {
    const { client } = await scene();
    const downstream = client();
    downstream.write(Buffer.concat(requestOf('java-go-unary').bytes));
    const reply = await downstream.next();
    expect([reply.kind, reply.status, reply.idHigh, reply.idLow]).toEqual(['error', '31', 0, 1]);
    expect(reply.get('error_msg')).toMatch(/^meltemi: CONNECT_FAILED: /);
  });
});
