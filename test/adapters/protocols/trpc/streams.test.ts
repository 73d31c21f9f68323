import { describe, expect, test } from '@jest/globals';
import { tap } from 'rxjs';
import { trpc } from '../../../../adapters/protocols/trpc/index.js';
import type { Interceptor } from '../../../../src/index.js';
import type { Message } from '../../../../src/message/index.js';
import type { BreakerEngine } from '../../../../src/spi.js';
import { count, QUIET, quiet } from '../../../mesh/scene.js';
import { decoded, frameBytes, golden, goldenNames, requestOf } from './golden.js';
import { policy, routes, scene, TO_V1, type TrpcScene, turn, until, V1, V2, type Wire } from './scene.js';

const codec = trpc.open('downstream');

/** What went over the wire for a message, under another stream id. */
function as(message: Message, streamId: number): Buffer {
  return Buffer.concat(codec.encode(message, { idHigh: 0, idLow: streamId }));
}

function data(streamId: number, text: string): Buffer {
  const frame = Buffer.concat([Buffer.from('09300102000000000000000000000000', 'hex'), Buffer.from(text)]);
  frame.writeUInt32BE(frame.length, 4);
  frame.writeUInt32BE(streamId, 10);
  return frame;
}

function textOf(message: Message): string {
  return Buffer.concat(message.bytes).subarray(16).toString();
}

/** The only message of that name in the recording, by who sent it. */
function recorded(name: string, from: 'client' | 'server', type: string): Message {
  const [connection] = golden(name).connections;
  const frame = connection!.frames.find((it) => it.from === from && it.type === type)!;
  return decoded(frameBytes(connection!, frame), from === 'client' ? 'downstream' : 'upstream');
}

const OPEN = requestOf('go-stream-bidi');
const ANSWER = recorded('go-stream-bidi', 'server', 'stream-init');
const HALF = recorded('go-stream-bidi', 'client', 'stream-close');
const CLOSE = recorded('go-stream-bidi', 'server', 'stream-close');
const FEEDBACK = recorded('go-stream-flow-control', 'server', 'stream-feedback');
const RESET = Buffer.from('09300104000000180000000000640000 0801 10a101 1a0162'.replaceAll(' ', ''), 'hex');
RESET.writeUInt32BE(RESET.length, 4);

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}

/** A stream, open at both ends, and answered unless told otherwise. */
async function opened({ client, server }: TrpcScene, streamId = 100, downstream = client(), upstream = server(V1)) {
  const before = upstream.connections.reduce((sum, it) => sum + it.messages.length, 0);
  downstream.write(as(OPEN, streamId));
  await until(() => upstream.connections.reduce((sum, it) => sum + it.messages.length, 0) > before);
  const wire = upstream.connections.find((it) => it.waiting > 0)!;
  const opening = await wire.next();
  return { downstream, upstream, wire, opening };
}

async function answered(it: TrpcScene, streamId = 100, downstream?: Wire, upstream?: ReturnType<TrpcScene['server']>) {
  const stream = await opened(it, streamId, downstream, upstream);
  stream.wire.write(as(ANSWER, stream.opening.idLow));
  const answer = await stream.downstream.next();
  expect([answer.kind, answer.idLow]).toEqual(['stream-data', streamId]);
  return stream;
}

/** Nothing is left of any stream, in counts and connections. */
async function expectQuiet({ mesh }: TrpcScene): Promise<void> {
  await settled();
  expect(quiet(mesh)).toEqual(QUIET);
}

describe('recorded streams through a mesh', () => {
  test.each(goldenNames.filter((name) => name.includes('stream')))('%s', async (name) => {
    const it = await scene();
    const downstream = it.client();
    const upstream = it.server(V1);
    const [connection] = golden(name).connections;
    let ours = -1;
    const last = { client: false, server: false };
    for (const frame of connection!.frames) {
      const bytes = frameBytes(connection!, frame);
      const message = decoded(bytes, frame.from === 'client' ? 'downstream' : 'upstream');
      // After the server's end nobody is told anything.
      if (frame.from === 'client') {
        downstream.write(bytes);
        if (last.server) continue;
        await until(() => upstream.connections.length === 1 && upstream.connections[0]!.waiting > 0);
        const arrived = await upstream.connections[0]!.next();
        if (ours < 0) ours = arrived.idLow;
        expect(as(arrived, 100).equals(bytes)).toBe(true);
        expect(arrived.idLow).toBe(ours);
      } else {
        upstream.connections[0]!.write(as(message, ours));
        if (last.server) continue;
        await downstream.next();
        expect(downstream.bytes.at(-1)!.equals(bytes)).toBe(true);
        last.server = message.kind === 'stream-close';
      }
    }
    await expectQuiet(it);
    expect([downstream.waiting, upstream.connections[0]!.waiting]).toEqual([0, 0]);
    expect(count(it.mesh, 'requests_total', { outcome: 'ok' })).toBe(1);
  });
});

describe('streams through a mesh', () => {
  test('many at once, of several clients with the same ids: nothing is crossed', async () => {
    const it = await scene();
    const upstream = it.server(V1);
    const clients = [it.client(), it.client()];
    const streams = [];
    for (const downstream of clients) {
      for (const id of [100, 101, 102]) streams.push({ id, ...(await answered(it, id, downstream, upstream)) });
    }
    expect(
      new Set(streams.map((stream) => `${upstream.connections.indexOf(stream.wire)} ${stream.opening.idLow}`)).size,
    ).toBe(6);
    for (let round = 0; round < 5; round++) {
      for (const { id, downstream, wire, opening } of streams) {
        const who = `${clients.indexOf(downstream)}/${id}/${round}`;
        downstream.write(data(id, who));
        const arrived = await wire.next();
        expect([arrived.idLow, textOf(arrived)]).toEqual([opening.idLow, who]);
      }
      for (const { id, downstream, wire, opening } of streams.toReversed()) {
        const who = `${clients.indexOf(downstream)}/${id}/${round}`;
        wire.write(data(opening.idLow, who), as(FEEDBACK, opening.idLow));
        const arrived = await downstream.next();
        expect([arrived.idLow, textOf(arrived)]).toEqual([id, who]);
        const feedback = await downstream.next();
        expect(as(feedback, 100).equals(as(FEEDBACK, 100))).toBe(true);
      }
    }
    expect(quiet(it.mesh)).toEqual({ calls: 6, requests: 6, attempts: 6, inflight: 6 });
    for (const { downstream, wire, opening } of streams) {
      wire.write(as(CLOSE, opening.idLow));
      expect((await downstream.next()).kind).toBe('stream-close');
    }
    await expectQuiet(it);
  });

  test('what is sent before the upstream is there waits, in order', async () => {
    const it = await scene();
    const downstream = it.client();
    const sent = Array.from({ length: 50 }, (_, i) => `part ${i}`);
    const upstream = it.server(V1);
    downstream.write(as(OPEN, 100), ...sent.map((text) => data(100, text)), as(HALF, 100));
    await until(() => upstream.connections[0]?.messages.length === 52);
    const [opening, ...rest] = upstream.connections[0]!.messages;
    expect([opening!.kind, rest.at(-1)!.kind]).toEqual(['stream-open', 'stream-end']);
    expect(rest.slice(0, -1).map(textOf)).toEqual(sent);
    upstream.connections[0]!.write(as(ANSWER, opening!.idLow), data(opening!.idLow, 'done'), as(CLOSE, opening!.idLow));
    const kinds = [await downstream.next(), await downstream.next(), await downstream.next()].map(({ kind }) => kind);
    expect(kinds).toEqual(['stream-data', 'stream-data', 'stream-close']);
    await expectQuiet(it);
  });

  test('over the bound of waiting bytes nothing more is read, and all arrives in the end', async () => {
    const it = await scene(TO_V1, { connections: { downstream: { maxRequestBytes: 10_000 } } });
    const upstream = it.server(V1);
    const downstream = it.client();
    const parts = Array.from({ length: 200 }, (_, i) => `${i}`.padEnd(1000, '.'));
    downstream.write(as(OPEN, 100));
    for (const part of parts) downstream.write(data(100, part));
    downstream.write(as(HALF, 100));
    await until(() => upstream.connections[0]?.messages.length === 202);
    expect(upstream.connections[0]!.messages.slice(1, -1).map(textOf)).toEqual(parts);
  });

  test('an upstream that does not read holds back its own clients, and loses nothing', async () => {
    const it = await scene(TO_V1, { connections: { downstream: { maxRequestBytes: 200_000 } } });
    const { downstream, wire } = await answered(it);
    wire.stream.pause();
    const parts = Array.from({ length: 400 }, (_, i) => `${i}`.padEnd(10_000, '.'));
    let written = 0;
    for (const part of parts) downstream.stream.write(data(100, part), () => written++);
    await settled();
    // 4 MB were written; what the mesh has taken is bounded.
    expect(written).toBeLessThan(250);
    wire.stream.resume();
    await until(() => wire.messages.length === 401);
    expect(wire.messages.slice(1).map(textOf)).toEqual(parts);
  });

  test('the upstream is lost: the client is told, by an error of the stream', async () => {
    const it = await scene();
    const first = await answered(it);
    const second = await opened(it, 101, first.downstream, first.upstream);
    first.wire.stream.destroy();
    second.wire.stream.destroy();
    const told = [await first.downstream.next(), await first.downstream.next()].sort((a, b) => a.idLow - b.idLow);
    expect(told.map(({ kind, idLow, status }) => [kind, idLow, status])).toEqual([
      ['stream-close', 100, '31'],
      ['stream-close', 101, '31'],
    ]);
    expect(told[0]!.get('error_msg')).toMatch(/^meltemi: CONNECTION_LOST: /);
    // An opening that was not answered is refused as such: by the server's INIT.
    expect(told.map((message) => message.bytes[0]![3])).toEqual([4, 1]);
    expect(second.opening.kind).toBe('stream-open');
    await expectQuiet(it);
    // The connection goes on, once the upstream's back-off has passed.
    it.runtime.advance(1000);
    const third = await answered(it, 102, first.downstream, first.upstream);
    third.wire.write(as(CLOSE, third.opening.idLow));
    expect((await first.downstream.next()).kind).toBe('stream-close');
  });

  test('the client is lost: the upstream is told, and its place is free', async () => {
    const it = await scene();
    const upstream = it.server(V1);
    for (const how of ['destroy', 'end'] as const) {
      const { downstream, wire, opening } = await answered(it, 100, it.client(), upstream);
      downstream.stream[how]();
      const told = await wire.next();
      expect([how, told.kind, told.idLow, told.get('error_msg')]).toEqual([
        how,
        'stream-close',
        opening.idLow,
        'meltemi: CANCELLED: the caller went away',
      ]);
      // That was its connection: some servers tell a handler of nothing less.
      await until(() => wire.closed);
      wire.write(data(opening.idLow, 'late'), as(CLOSE, opening.idLow));
      await expectQuiet(it);
    }
  });

  test('a client that has closed its side, stream and connection, still gets what is said', async () => {
    const it = await scene();
    const { downstream, wire, opening } = await answered(it);
    downstream.stream.end(as(HALF, 100));
    expect((await wire.next()).kind).toBe('stream-end');
    wire.write(data(opening.idLow, 'all of it'), as(CLOSE, opening.idLow));
    expect([textOf(await downstream.next()), (await downstream.next()).kind]).toEqual(['all of it', 'stream-close']);
    await expectQuiet(it);
  });

  test("a client's reset is passed on as it is, and answered by nobody", async () => {
    const it = await scene();
    const { downstream, wire, opening } = await answered(it);
    downstream.write(RESET, data(100, 'late'), RESET);
    const told = await wire.next();
    expect(as(told, 100).equals(RESET)).toBe(true);
    await expectQuiet(it);
    wire.write(data(opening.idLow, 'crossing'), as(CLOSE, opening.idLow));
    await settled();
    expect([wire.waiting, downstream.waiting]).toEqual([0, 0]);
  });

  test('a reset before the upstream is there ends it with nothing sent', async () => {
    const it = await scene();
    const downstream = it.client();
    downstream.write(as(OPEN, 100), data(100, 'x'), RESET);
    const upstream = it.server(V1);
    await expectQuiet(it);
    for (const wire of upstream.connections) expect(wire.messages).toHaveLength(0);
    expect(downstream.messages).toHaveLength(0);
  });

  test("both ends' closes cross: each is over once", async () => {
    const it = await scene();
    const { downstream, wire, opening } = await answered(it);
    wire.write(as(CLOSE, opening.idLow));
    downstream.write(as(HALF, 100));
    expect((await downstream.next()).kind).toBe('stream-close');
    downstream.write(as(HALF, 100), as(FEEDBACK, 100), RESET);
    wire.write(as(CLOSE, opening.idLow));
    await expectQuiet(it);
    expect(downstream.waiting).toBe(0);
  });

  test('the same id is opened again while it is open: the stream before is over for its upstream', async () => {
    const it = await scene();
    const { downstream, wire, opening, upstream } = await answered(it);
    downstream.write(as(OPEN, 100));
    const reset = await wire.next();
    expect([reset.kind, reset.idLow]).toEqual(['stream-close', opening.idLow]);
    await until(() => upstream.connections.length === 2);
    const second = await upstream.connections[1]!.next();
    expect(second.kind).toBe('stream-open');
    wire.write(data(opening.idLow, 'of the first'));
    upstream.connections[1]!.write(data(second.idLow, 'of the second'));
    expect(textOf(await downstream.next())).toBe('of the second');
    upstream.connections[1]!.write(as(CLOSE, second.idLow));
    await expectQuiet(it);
  });

  test('garbage of the upstream ends its stream, and no other', async () => {
    const it = await scene();
    const first = await answered(it, 100);
    const { downstream, wire, opening } = await answered(it, 101, first.downstream, first.upstream);
    first.wire.write(Buffer.from('garbage'));
    const told = await downstream.next();
    expect([told.kind, told.idLow, told.status]).toEqual(['stream-close', 100, '2']);
    wire.write(as(CLOSE, opening.idLow));
    expect((await downstream.next()).status).toBe('0');
    await expectQuiet(it);
  });

  test('a connection whose stream has ended in order serves the next one, and no call in between', async () => {
    const it = await scene();
    const first = await answered(it, 100);
    first.downstream.write(Buffer.concat(requestOf('go-unary').bytes));
    await until(() => first.upstream.connections.length === 2);
    expect(first.wire.waiting).toBe(0);
    for (const id of [100, 101, 102]) {
      const opening = id === 100 ? first.opening : (await answered(it, id, first.downstream, first.upstream)).opening;
      first.wire.write(as(CLOSE, opening.idLow));
      expect((await first.downstream.next()).kind).toBe('stream-close');
    }
    expect(first.upstream.connections).toHaveLength(2);
  });

  test('garbage of the client ends the streams of its connection at the upstream', async () => {
    const it = await scene();
    const { downstream, wire } = await answered(it);
    downstream.write(Buffer.from('garbage'));
    expect((await wire.next()).kind).toBe('stream-close');
    await until(() => downstream.closed);
    await expectQuiet(it);
  });

  test('close of the mesh: streams may end within the drain, and are told then', async () => {
    const it = await scene();
    const kept = await answered(it, 100);
    const late = await answered(it, 101, kept.downstream, kept.upstream);
    const done = it.mesh.close({ drainMs: 1000 });
    kept.downstream.write(data(100, 'still'));
    expect(textOf(await kept.wire.next())).toBe('still');
    kept.wire.write(as(CLOSE, kept.opening.idLow));
    expect((await kept.downstream.next()).status).toBe('0');
    // A new one is refused.
    kept.downstream.write(as(OPEN, 102));
    expect((await kept.downstream.next()).get('error_msg')).toMatch('DRAINING');
    it.runtime.advance(1000);
    const told = await late.downstream.next();
    expect([told.kind, told.idLow, told.status]).toEqual(['stream-close', 101, '22']);
    expect(late.wire.messages.at(-1)!.kind).toBe('stream-close');
    kept.downstream.stream.end();
    for (let i = 0; i < 100; i++) {
      await turn();
      it.runtime.advance(100);
    }
    await done;
  });
});

describe('what rules do with streams', () => {
  test('route, limits, interceptors and counters see the opening; the end is its outcome', async () => {
    const seen: string[] = [];
    const watch = (phase: 'before-route' | 'routed'): Interceptor => ({
      name: phase,
      phase,
      intercept(call, next) {
        seen.push(`${phase} ${call.request.kind}`);
        if (phase === 'before-route') call.set('tenant', 'acme');
        return next(call).pipe(tap((reply) => seen.push(`${phase} ${reply.status}`)));
      },
    });
    const it = await scene(
      routes(`routes: [
        { name: acme, match: { attributes: { tenant: { exact: acme }, func: { regex: '.*/BidirectionalStream' } } },
          requestMutation: [{ key: foo, value: bar }], responseMutation: [{ key: by, value: mesh }],
          route: [{ destination: { host: greeter.test, subset: v2 } }] },
        { route: [{ destination: { host: greeter.test, subset: v1 } }] }]`),
      { interceptors: [watch('before-route'), watch('routed')] },
    );
    const { downstream, wire, opening } = await answered(it, 100, it.client(), it.server(V2));
    expect([opening.get('tenant'), opening.get('foo'), opening.operation]).toEqual(['acme', 'bar', OPEN.operation]);
    downstream.write(data(100, 'x'));
    wire.write(data(opening.idLow, 'y'), as(CLOSE, opening.idLow));
    expect(textOf(await downstream.next())).toBe('y');
    const end = await downstream.next();
    expect([end.kind, end.get('by')]).toEqual(['stream-close', 'mesh']);
    expect(seen).toEqual(['before-route stream-open', 'routed stream-open', 'routed ok', 'before-route ok']);
    expect(count(it.mesh, 'requests_total', { route: 'acme', outcome: 'ok' })).toBe(1);
    await expectQuiet(it);
  });

  test('no route, or over a limit: the stream is refused as a server would', async () => {
    const it = await scene(
      routes(
        'routes: [{ match: { attributes: { x: { exact: y } } }, route: [{ destination: { host: greeter.test } }] }]',
      ),
    );
    const downstream = it.client();
    downstream.write(as(OPEN, 100), data(100, 'early'), as(HALF, 100));
    const refused = await downstream.next();
    expect([refused.kind, refused.idLow, refused.status, refused.bytes[0]![3]]).toEqual(['stream-close', 100, '11', 1]);
    await expectQuiet(it);
    expect(downstream.waiting).toBe(0);
  });

  test('an opening that is refused, or lost before it was answered, is retried; then never again', async () => {
    const it = await scene(
      routes('routes: [{ route: [{ destination: { host: greeter.test } }] }]') +
        policy('retry: { attempts: 3, idempotent: true, backoff: { base: 1ms, max: 1ms } }'),
    );
    const servers = [it.server(V1), it.server(V2)];
    const arrived = () => servers.flatMap((server) => server.connections.filter((wire) => wire.waiting > 0));
    const next = async () => {
      for (let i = 0; i < 50 && arrived().length === 0; i++) {
        await turn();
        it.runtime.advance(1);
      }
      const [wire] = arrived();
      return { wire: wire!, opening: await wire!.next() };
    };
    const downstream = it.client();
    downstream.write(as(OPEN, 100));
    const first = await next();
    // ret 22, overloaded: it did not run.
    const overloaded = Buffer.concat(codec.reject(first.opening, { code: 'OVERFLOW', message: 'x' }) as Buffer[]);
    first.wire.write(overloaded);
    const second = await next();
    expect(second.wire).not.toBe(first.wire);
    second.wire.stream.destroy();
    const third = await next();
    third.wire.write(as(ANSWER, third.opening.idLow));
    expect((await downstream.next()).kind).toBe('stream-data');
    third.wire.stream.destroy();
    expect((await downstream.next()).status).toBe('31');
    for (let i = 0; i < 20; i++) {
      await turn();
      it.runtime.advance(10);
    }
    expect(arrived()).toHaveLength(0);
    await expectQuiet(it);
  });

  test('what has been sent beyond the opening is never sent again', async () => {
    const it = await scene(
      TO_V1 + policy('retry: { attempts: 3, idempotent: true, backoff: { base: 1ms, max: 1ms } }'),
    );
    const { downstream, wire, upstream } = await opened(it);
    downstream.write(data(100, 'x'));
    expect(textOf(await wire.next())).toBe('x');
    wire.stream.destroy();
    expect((await downstream.next()).kind).toBe('stream-close');
    it.runtime.advance(100);
    await settled();
    expect(upstream.connections).toHaveLength(1);
    await expectQuiet(it);
  });

  test('timeouts bound the wait for the first answer, and not the stream', async () => {
    const it = await scene(TO_V1 + policy('timeout: 2s, attemptTimeout: 1s'));
    const mute = await opened(it);
    it.runtime.advance(1000);
    const refused = await mute.downstream.next();
    expect([refused.kind, refused.status]).toEqual(['stream-close', '21']);
    const reset = await mute.wire.next();
    expect([reset.kind, reset.status, reset.idLow]).toEqual(['stream-close', '21', mute.opening.idLow]);
    const { downstream, wire, opening } = await answered(it, 101, mute.downstream, mute.upstream);
    it.runtime.advance(3_600_000);
    await settled();
    wire.write(data(opening.idLow, 'after an hour'));
    expect(textOf(await downstream.next())).toBe('after an hour');
    wire.write(as(CLOSE, opening.idLow));
    await downstream.next();
    await expectQuiet(it);
  });

  test('more streams than a connection may have are refused, and the others go on', async () => {
    const it = await scene(TO_V1, { connections: { downstream: { maxInFlight: 2 } } });
    const first = await answered(it, 100);
    await answered(it, 101, first.downstream, first.upstream);
    first.downstream.write(as(OPEN, 102), data(100, 'x'));
    const refused = await first.downstream.next();
    expect([refused.idLow, refused.status]).toEqual([102, '22']);
    expect(textOf(await first.wire.next())).toBe('x');
  });

  test('the slot of a cluster is held to the end', async () => {
    const it = await scene(TO_V1 + policy('concurrency: { maxRequests: 1, maxPendingRequests: 0 }'));
    const first = await answered(it, 100);
    first.downstream.write(as(OPEN, 101));
    expect((await first.downstream.next()).status).toBe('22');
    first.wire.write(as(CLOSE, first.opening.idLow));
    expect((await first.downstream.next()).status).toBe('0');
    const second = await answered(it, 102, first.downstream, first.upstream);
    second.wire.write(as(CLOSE, second.opening.idLow));
    await second.downstream.next();
    await expectQuiet(it);
  });

  test('the circuit breaker learns of the answer, not of the end: a probe may be a stream for days', async () => {
    const results: string[] = [];
    const engine: BreakerEngine = {
      state: 'closed',
      probeInMs: undefined,
      admit: () => ({ probe: false }),
      settle: (_permit, result) => results.push(result),
      close() {},
    };
    const it = await scene(
      TO_V1 + policy('circuitBreaker: { errorPercent: 50, minimumCalls: 20, window: 10s, openTime: 5s }'),
      {
        engines: { breaker: { create: () => engine } },
      },
    );
    const { downstream, wire } = await answered(it);
    expect(results).toEqual(['ok']);
    wire.stream.destroy();
    await downstream.next();
    expect(results).toEqual(['ok']);
    await expectQuiet(it);
  });

  test('on the serving side: limited by MetaRouter, passed on to the app, refused where a handler answers', async () => {
    const it = await scene(
      `${TO_V1.trimEnd().slice(0, -1)}, localRateLimit: { tokenBucket: { maxTokens: 1, tokensPerFill: 1, fillInterval: 60s } } }\n`,
    );
    const app = it.server(V1);
    const service = 'greeter.test:8000';
    const front = await it.mesh.serve({ port: 0, service, forward: { host: V1, port: 8000 } });
    const caller = it.dial(front.port);
    const { wire, opening } = await answered(it, 100, caller, app);
    caller.write(as(OPEN, 101));
    expect((await caller.next()).status).toBe('23');
    wire.write(as(CLOSE, opening.idLow));
    expect((await caller.next()).status).toBe('0');
    const handled = await it.mesh.serve({ port: 0, protocol: 'trpc', handler: (request) => request });
    const other = it.dial(handled.port);
    other.write(as(OPEN, 100));
    expect((await other.next()).get('error_msg')).toContain('a handler answers calls');
    caller.stream.destroy();
    other.stream.destroy();
    await expectQuiet(it);
  });

  test('streams are not mirrored', async () => {
    const it = await scene(
      routes(`routes: [{ route: [{ destination: { host: greeter.test, subset: v1 } }],
        mirror: { host: greeter.test, subset: v2 }, mirrorPercentage: { value: 100 } }]`),
    );
    const mirror = it.server(V2);
    const { downstream, wire, opening } = await answered(it);
    wire.write(as(CLOSE, opening.idLow));
    await downstream.next();
    await settled();
    expect(mirror.connections).toHaveLength(0);
    await expectQuiet(it);
  });

  test('an interceptor that subscribes again opens no second stream', async () => {
    const again: Interceptor = {
      name: 'again',
      phase: 'routed',
      intercept: (call, next) => {
        const replies = next(call);
        return replies.pipe(tap({ next: () => replies.subscribe({ error: (error) => seen.push(String(error)) }) }));
      },
    };
    const seen: string[] = [];
    const it = await scene(TO_V1, { interceptors: [again] });
    const { downstream, wire, opening, upstream } = await answered(it);
    wire.write(as(CLOSE, opening.idLow));
    expect((await downstream.next()).kind).toBe('stream-close');
    await expectQuiet(it);
    expect(seen.join()).toContain('a stream that has begun cannot be opened again');
    expect(upstream.connections.map((it2) => it2.waiting)).toEqual([0]);
  });

  test('mesh.call makes calls', async () => {
    const { mesh } = await scene();
    expect(() => mesh.call({ host: 'greeter.test', port: 8000 }, OPEN)).toThrow(
      'for a stream use connect, listen or serve',
    );
  });
});
