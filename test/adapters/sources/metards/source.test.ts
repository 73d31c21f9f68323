import { createServer, type Socket } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { HeaderMatcherSchema } from '../../../../adapters/sources/metards/generated/envoy/config/route/v3/route_components_pb.js';
import { type MetaRdsOptions, metaRdsSource } from '../../../../adapters/sources/metards/index.js';
import { encodeRequest } from '../../../../adapters/sources/metards/wire.js';
import { type Runtime, systemRuntime } from '../../../../src/runtime/index.js';
import { ManualRuntime } from '../../../../src/testing/index.js';
import { ScriptedMetaRds, type ScriptedStream, table } from '../../../support/scripted-metards.js';
import { TcpProxy } from '../../../support/tcp-proxy.js';
import { Watching } from './watching.js';

const A = 'a.demo.svc.cluster.local_9090';
const B = 'b.demo.svc.cluster.local_9090';

let server: ScriptedMetaRds;
let runtime: ManualRuntime;
let watching: Watching | undefined;
const closers: (() => void)[] = [];
/** Ids that were given to streams that were answered. */
const nodes: string[] = [];

beforeEach(async () => {
  server = await ScriptedMetaRds.start();
  runtime = new ManualRuntime();
});
afterEach(() => {
  watching?.close();
  server.close();
  for (const close of closers.splice(0)) close();
});

function watch(options: Partial<MetaRdsOptions> = {}, clock: Runtime = runtime, inUse: string[] = []): Watching {
  watching = new Watching({ address: server.address, ...options }, clock, inUse);
  return watching;
}

/** Watched, and its first answer taken. */
async function live(version: string, ...tables: Parameters<typeof table>[]): Promise<[Watching, ScriptedStream]> {
  const it = watch();
  const stream = await answered(version, ...tables);
  await it.batches.next();
  return [it, stream];
}

async function answered(version: string, ...tables: Parameters<typeof table>[]): Promise<ScriptedStream> {
  const stream = await server.streams.next();
  nodes.push((await stream.requests.next()).node!.id);
  stream.answer(
    version,
    tables.map((each) => table(...each)),
  );
  await stream.requests.next();
  return stream;
}

const tablesOf = (it: Watching) => Object.fromEntries(it.tables);

describe('a lost connection', () => {
  test('is tried again with waits that double, drawn between half and all of it', async () => {
    server.close();
    const it = watch({ reconnectBaseMs: 100, reconnectMaxMs: 1000 });
    for (const longest of [100, 200, 400, 800, 1000, 1000]) {
      expect(await it.state('connecting')).toMatch(/^127\.0\.0\.1:\d+: UNAVAILABLE: .*ECONNREFUSED/);
      const wait = runtime.nextDueAt - runtime.now();
      expect(wait).toBeGreaterThanOrEqual(longest / 2);
      expect(wait).toBeLessThanOrEqual(longest);
      runtime.advance(wait);
    }
  });

  test('leaves everything in force; after a restart, as a new node, what differs is taken', async () => {
    const [it] = await live('1', [A, 'v1'], [B, 'v1']);
    server.close();
    expect(await it.state('stale')).toMatch(/^127\.0\.0\.1:\d+: [A-Z]+: /);
    expect(tablesOf(it)).toEqual({ [A]: ['v1'], [B]: ['v1'] });
    server = await ScriptedMetaRds.start({ port: server.port });
    runtime.advance(runtime.nextDueAt - runtime.now());
    await answered('2', [A, 'v2'], [B, 'v1']);
    const batch = await it.batches.next();
    expect(batch.map(({ type }) => type)).toEqual(['upsert', 'state', 'complete']);
    expect(batch.at(-2)).toEqual({ type: 'state', state: 'live', version: '2' });
    expect(tablesOf(it)).toEqual({ [A]: ['v2'], [B]: ['v1'] });
    const [before, after] = nodes.slice(-2);
    expect(after).not.toBe(before);
  });

  test('has waits that begin anew once there was an answer', async () => {
    const it = watch({ reconnectBaseMs: 100 });
    for (const way of ['ends', 'ends', 'answers', 'ends']) {
      const stream = await server.streams.next();
      if (way === 'answers') stream.answer('1', []);
      stream.end();
      for (let lost = false; !lost; ) {
        lost = (await it.batches.next()).some((each) => each.type === 'state' && each.error !== undefined);
      }
      expect(it.states.at(-1)!.error).toMatch(/the server ended the stream$/);
      const wait = runtime.nextDueAt - runtime.now();
      if (way === 'answers') expect(wait).toBeLessThanOrEqual(100);
      runtime.advance(wait);
    }
  });

  test('a server that has just started may not know everything yet: what it leaves out is kept for 15 s', async () => {
    const [it, stream] = await live('1', [A, 'v1'], [B, 'v1']);
    stream.end();
    await it.state('stale');
    runtime.advance(runtime.nextDueAt - runtime.now());
    const next = await answered('2');
    await it.state('live');
    expect(it.tables.size).toBe(2);
    next.answer('3', [table(B, 'v2')]);
    await next.requests.next();
    expect(tablesOf(it)).toEqual({ [A]: ['v1'], [B]: ['v2'] });
    runtime.advance(14_999);
    expect(it.tables.size).toBe(2);
    runtime.advance(1);
    expect(tablesOf(it)).toEqual({ [B]: ['v2'] });
    // From here on absence is believed at once.
    next.answer('4', []);
    await next.requests.next();
    expect(it.tables.size).toBe(0);
  });

  test('what an answer brings back stays, though its time is over while that answer is worked on', async () => {
    /** Each reading of it ends a slice; some reading lets 15 s pass. */
    class Reading extends ManualRuntime {
      left = Number.POSITIVE_INFINITY;
      #read = 0;

      override now(): number {
        if (--this.left === 0) setImmediate(() => this.advance(15_000));
        return super.now() + 6 * this.#read++;
      }
    }
    const clock = new Reading();
    const it = watch({}, clock);
    const stream = await answered('1', [A, 'v1'], [B, 'v1']);
    await it.state('live');
    stream.end();
    await it.state('stale');
    clock.advance(1_000);
    const next = await answered('2', [B, 'v1']);
    await it.state('live');
    clock.left = 4;
    next.answer('3', [table(A, 'v1'), ...['c', 'd', 'e', 'f', 'g', 'h'].map((name) => table(`${name}.demo_1`, 'v1'))]);
    await next.requests.next();
    expect(clock.left).toBeLessThan(0);
    expect(tablesOf(it)).toMatchObject({ [A]: ['v1'], 'h.demo_1': ['v1'] });
    expect(it.tables.has(B)).toBe(false);
  });

  test('statuses of the server are told in its words', async () => {
    const it = watch();
    (await server.streams.next()).fail(status.UNIMPLEMENTED, 'unknown service');
    expect(await it.state('connecting')).toMatch(/: UNIMPLEMENTED: unknown service$/);
  });

  test('a connection that is cut in the midst of an answer', async () => {
    const proxy = await TcpProxy.before(server.port);
    closers.push(() => proxy.close());
    const it = watch({ address: proxy.address });
    const stream = await answered('1', [A, 'v1']);
    await it.state('live');
    proxy.chunk = 10;
    stream.answer('2', [table(A, 'v2')]);
    await new Promise((resolve) => setImmediate(resolve));
    proxy.cut();
    expect(await it.state('stale')).toMatch(/UNAVAILABLE/);
    expect(tablesOf(it)).toEqual({ [A]: ['v1'] });
  });

  test('nobody at the other end any more, and nobody who says so: found by probing', async () => {
    jest.useFakeTimers({
      doNotFake: ['nextTick', 'setImmediate', 'clearImmediate', 'queueMicrotask', 'Date', 'performance', 'hrtime'],
    });
    closers.push(() => jest.useRealTimers());
    const proxy = await TcpProxy.before(server.port);
    closers.push(() => proxy.close());
    const it = watch({ address: proxy.address });
    await answered('1', [A, 'v1']);
    await it.state('live');
    proxy.frozen = true;
    jest.advanceTimersByTime(310_000);
    jest.advanceTimersByTime(20_000);
    expect(await it.state('stale')).toMatch(/UNAVAILABLE/);
  });
});

describe('a server that is slow', () => {
  test('a connection that does not come about is given up after 10 s', async () => {
    const silent = createServer((socket) => socket.resume().on('error', () => {}));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closers.push(() => silent.close());
    const connected = new Promise<Socket>((resolve) => silent.once('connection', resolve));
    const it = watch({ address: `127.0.0.1:${(silent.address() as { port: number }).port}` });
    const socket = await connected;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    runtime.advance(9_999);
    expect(it.states).toEqual([]);
    runtime.advance(1);
    expect(await it.state('connecting')).toMatch(/no connection within 10000 ms$/);
    await closed;
  });

  test('10 s of silence at first are normal, a minute is not', async () => {
    const it = watch();
    const stream = await server.streams.next();
    await stream.requests.next();
    runtime.advance(59_999);
    expect(it.states).toEqual([]);
    runtime.advance(1);
    expect(await it.state('connecting')).toMatch(/there was no answer within 60000 ms$/);
    await stream.closed;
  });

  test('silence after the first answer is no matter', async () => {
    const [it, stream] = await live('1', [A, 'v1']);
    runtime.advance(86_400_000);
    stream.answer('2', [table(A, 'v2')]);
    await stream.requests.next();
    expect(tablesOf(it)).toEqual({ [A]: ['v2'] });
  });

  test('an answer that comes byte by byte', async () => {
    const proxy = await TcpProxy.before(server.port);
    closers.push(() => proxy.close());
    proxy.chunk = 1;
    const it = watch({ address: proxy.address });
    await answered('1', [A, 'v1'], [B, 'v1']);
    expect(it.tables.size).toBe(2);
  });
});

describe('an answer', () => {
  test('that differs in nothing but the order of matchers changes nothing', async () => {
    const [it, stream] = await live('1');
    const shuffled = (...names: string[]) => {
      const one = table(A, 'v1');
      one.virtualHosts[0]!.routes[0]!.match!.headers = names.map((name) => create(HeaderMatcherSchema, { name }));
      return one;
    };
    stream.answer('2', [shuffled('x', 'y', 'z')]);
    await stream.requests.next();
    await it.batches.next();
    stream.answer('3', [shuffled('z', 'x', 'y')]);
    await stream.requests.next();
    expect(await it.batches.next()).toEqual([{ type: 'state', state: 'live', version: '3' }]);
  });

  test('with a table that cannot be honoured: it is named, and stays as it was; the others are taken', async () => {
    const [it, stream] = await live('1', [A, 'v1'], [B, 'v1']);
    const bad = table(A, 'v2', 'v3');
    bad.virtualHosts[0]!.routes[1]!.requestHeadersToRemove = ['secret'];
    stream.answer('2', [bad, table(B, 'v2')]);
    const { versionInfo, errorDetail } = await stream.requests.next();
    expect([versionInfo, errorDetail]).toEqual(['2', undefined]);
    expect(tablesOf(it)).toEqual({ [A]: ['v1'], [B]: ['v2'] });
    expect(it.problems).toEqual([
      `${A} stays as it was before: virtual_hosts[0].routes[1].request_headers_to_remove: is not supported: attributes can be set, not removed`,
    ]);
    // Repeated with what comes next, and gone when it is right.
    stream.answer('3', [bad, table(B, 'v3')]);
    await stream.requests.next();
    expect(it.problems.length).toBe(1);
    stream.answer('4', [table(A, 'v4'), table(B, 'v3')]);
    await stream.requests.next();
    expect(it.problems).toEqual([]);
    expect(tablesOf(it)).toEqual({ [A]: ['v4'], [B]: ['v3'] });
  });

  test('with a resource that nobody can read: then nothing counts as left out', async () => {
    const [it, stream] = await live('1', [A, 'v1'], [B, 'v1']);
    stream.answer('2', [new Uint8Array([0x0a, 0x7f, 1]), table(B, 'v2')]);
    await stream.requests.next();
    expect(tablesOf(it)).toEqual({ [A]: ['v1'], [B]: ['v2'] });
    expect(it.problems[0]).toMatch(
      /^resource 1 of the answer cannot be decoded.*nothing is removed until it is right$/,
    );
    stream.answer('3', [table(B, 'v2')]);
    await stream.requests.next();
    expect(tablesOf(it)).toEqual({ [B]: ['v2'] });
    expect(it.problems).toEqual([]);
  });

  test('with a name twice, a name that is none, and a name that was not asked for', async () => {
    const it = watch({ names: [A] });
    const stream = await server.streams.next();
    expect((await stream.requests.next()).resourceNames).toEqual([A]);
    stream.answer('1', [table(A, 'v1'), table(A, 'v2'), table(B, 'v1'), table('no-port', 'v1')]);
    await stream.requests.next();
    expect(tablesOf(it)).toEqual({ [A]: ['v1'] });
    expect(it.problems).toEqual([`${A} comes twice in one answer; the first is taken`]);
  });

  test('a name that is none is told where all are asked for', async () => {
    const [it] = await live('1', ['no-port', 'v1'], [A, 'v1']);
    expect(it.problems).toEqual(['resource 1 of the answer is named "no-port"; it must be <host>_<port>']);
    expect(tablesOf(it)).toEqual({ [A]: ['v1'] });
  });

  test('that is none, or of another type, ends the stream', async () => {
    const [it, stream] = await live('1', [A, 'v1']);
    stream.raw(Buffer.from('not protobuf'));
    expect(await it.state('stale')).toMatch(/an answer could not be read: /);
    await stream.closed;
    runtime.advance(runtime.nextDueAt - runtime.now());
    const next = await server.streams.next();
    // The layout of a request: field 4 is the type in both.
    next.raw(encodeRequest({ names: [], version: '1', nonce: '1' }).subarray(0, 0));
    await it.state('live');
    expect(tablesOf(it)).toEqual({ [A]: ['v1'] });
  });

  test('that is too large is refused, with the bound', async () => {
    const it = watch({ maxMessageBytes: 1000 });
    (await server.streams.next()).answer(
      '1',
      Array.from({ length: 20 }, (_, i) => table(`s${i}_80`, 'v1')),
    );
    expect(await it.state('connecting')).toMatch(/RESOURCE_EXHAUSTED: .*; maxMessageBytes is 1000$/);
  });

  test('is worked on in slices', async () => {
    const system = systemRuntime();
    let now = 0;
    const slow = { ...system, timers: system.timers, random: () => 0, wallNow: () => 0, now: () => (now += 2) };
    const it = watch({}, slow);
    const stream = await server.streams.next();
    let turns = 0;
    let counting = true;
    const count = () => {
      turns++;
      if (counting) setImmediate(count);
    };
    stream.answer(
      '1',
      Array.from({ length: 90 }, (_, i) => table(`s${i}_80`, 'v1')),
    );
    count();
    await it.batches.next();
    counting = false;
    // Three resources a slice, by that clock.
    expect(turns).toBeGreaterThan(25);
    expect(it.tables.size).toBe(90);
  });
});

describe('names', () => {
  test('of what is in use: nothing is asked for before there is something, and never nothing', async () => {
    const it = watch({ names: 'used' });
    expect(await it.batches.next()).toEqual([{ type: 'complete', of: new Set() }]);
    expect(runtime.pending).toBe(0);
    it.use(A);
    const stream = await server.streams.next();
    expect((await stream.requests.next()).resourceNames).toEqual([A]);
    it.use(A, B);
    const { resourceNames, versionInfo, node } = await stream.requests.next();
    expect([resourceNames, versionInfo, node]).toEqual([[A, B], '', undefined]);
    stream.answer('1', [table(A, 'v1'), table(B, 'v1')]);
    await stream.requests.next();
    expect((await it.batches.next()).at(-1)).toEqual({ type: 'complete', of: new Set([A, B]) });
    it.use();
    stream.answer('2', [table(A, 'v1')]);
    expect((await stream.requests.next()).resourceNames).toEqual([A, B]);
    expect(tablesOf(it)).toEqual({ [A]: ['v1'] });
  });

  test('that change while an answer is worked on are asked for with its acknowledgement', async () => {
    const it = watch({ names: 'used' }, runtime, [A]);
    const stream = await server.streams.next();
    await stream.requests.next();
    const batch = it.batches.next();
    stream.answer('1', [table(A, 'v1')]);
    await batch;
    it.use(A, B);
    expect(await stream.requests.next()).toMatchObject({ resourceNames: [A], responseNonce: '1' });
    expect(await stream.requests.next()).toMatchObject({ resourceNames: [A, B], responseNonce: '1', versionInfo: '1' });
  });

  test('of what is in use cannot be known without a mesh', () => {
    const source = metaRdsSource({ address: server.address, names: 'used' });
    const errors: string[] = [];
    source.watch().subscribe({ error: (error: Error) => errors.push(error.message) });
    expect(errors).toEqual([expect.stringMatching(/needs a mesh/)]);
  });
});

describe('closing', () => {
  test('ends the stream, and nothing is said or tried afterwards', async () => {
    const [it, stream] = await live('1', [A, 'v1']);
    stream.answer('2', [table(A, 'v2')]);
    it.close();
    await stream.closed;
    expect(it.batches.left).toEqual([]);
    expect(runtime.pending).toBe(0);
  });

  test('while connecting', async () => {
    const it = watch();
    it.close();
    expect(runtime.pending).toBe(0);
    expect(it.batches.left).toEqual([]);
  });

  test('between attempts', async () => {
    server.close();
    const it = watch();
    await it.state('connecting');
    it.close();
    expect(runtime.pending).toBe(0);
  });
});

test('options that cannot be', () => {
  const refused = (options: Partial<MetaRdsOptions>) => () => metaRdsSource({ address: 'a:1', ...options });
  expect(refused({})).not.toThrow();
  expect(refused({ address: '[::1]:15010' })).not.toThrow();
  for (const address of ['', 'aeraki', 'aeraki:', 'a:65536', 'http://a:1', 'a b:1']) {
    expect(refused({ address })).toThrow(/write <host>:<port>/);
  }
  expect(refused({ names: [] })).toThrow(/a list of <host>_<port> that is not empty/);
  expect(refused({ names: [A, 'demo:80'] })).toThrow(/the name 'demo:80' is none/);
  expect(refused({ names: 'some' as 'all' })).toThrow(/names must be/);
  expect(refused({ tls: { cert: 'x' } })).toThrow(/belong together/);
  expect(refused({ maxMessageBytes: 0 })).toThrow(/maxMessageBytes is 0/);
  expect(refused({ keepAliveMs: Number.NaN })).toThrow(/keepAliveMs is NaN/);
});
