import { describe, expect, test } from '@jest/globals';
import { brpc } from '../../../../adapters/protocols/brpc/index.js';
import { ByteQueue, type Codec, type Message } from '../../../../src/message/index.js';
import { count, QUIET, quiet } from '../../../mesh/scene.js';
import { decoded, decodedAll, frameBytes, golden } from './golden.js';
import { type BrpcScene, routes, scene, settled, until, V1, V2, type Wire } from './scene.js';
import { answer, CLOSE, FEEDBACK, RESET, reply, request, streamFrame } from './wire-format.js';

/** As bRPC's ids are: a version, and a slot below. */
const CLIENT = 16n;
const SERVER = (16n << 32n) | 234n;
const CALL = (39n << 32n) | 2n;

const raw = (message: Message) => Buffer.concat(message.bytes);
const hex = (message: Message) => raw(message).toString('hex');
const open = (id = CLIENT, call = CALL) => request({ id: call, streams: [id] });

async function opened(it: BrpcScene, id = CLIENT, downstream = it.client(), upstream = it.server(V1)) {
  downstream.write(open(id));
  const fresh = () => upstream.connections.find((wire) => wire.waiting > 0);
  await until(() => fresh() !== undefined);
  const wire = fresh()!;
  const opening = await wire.next();
  return { downstream, upstream, wire, opening, ours: opening.idLow };
}

async function answered(it: BrpcScene, id = CLIENT, downstream?: Wire, upstream?: ReturnType<BrpcScene['server']>) {
  const stream = await opened(it, id, downstream, upstream);
  const { wire, ours } = stream;
  wire.write(answer(ours, { id: ours, streams: [SERVER] }));
  expect(hex(await stream.downstream.next())).toBe(answer(id, { id: CALL, streams: [SERVER] }).toString('hex'));
  return stream;
}

async function expectQuiet({ mesh }: BrpcScene): Promise<void> {
  await settled();
  expect(quiet(mesh)).toEqual(QUIET);
}

test('every recorded frame says what its description says', () => {
  const [connection] = golden('cpp-stream').connections;
  const server = brpc.open('upstream');
  for (const frame of connection!.frames) {
    const bytes = frameBytes(connection!, frame);
    const message = frame.from === 'client' ? decoded(bytes) : decode(server, bytes);
    if (message.kind === 'stream-open') server.encode(message);
    const ofClient: Record<string, string> = { request: 'stream-open', 'stream-close': 'stream-end' };
    const kind =
      frame.from === 'client' ? ofClient[frame.type] : frame.type === 'stream-close' ? frame.type : undefined;
    const opener = frame.from === 'client' ? (frame.sourceStreamId ?? 16) : frame.streamId;
    expect([message.kind, message.idHigh, message.idLow]).toEqual([kind ?? 'stream-data', 0, opener]);
  }
});

test('the recorded conversation, byte for byte, with ids of the connection in between', async () => {
  const it = await scene();
  const downstream = it.client();
  const upstream = it.server(V1);
  const [connection] = golden('cpp-stream').connections;
  for (const [i, frame] of connection!.frames.entries()) {
    const recorded = frameBytes(connection!, frame);
    const text = recorded.toString('hex');
    if (frame.from === 'client') {
      downstream.write(recorded);
      await until(() => upstream.connections[0] !== undefined);
      const arrived = hex(await upstream.connections[0]!.next());
      const meant =
        i === 0
          ? text
              .replace('0000003c00000036', '0000003700000031')
              .replace('2082808080f004', '2001')
              .replace('0810', '0801')
          : text.replace('08ea8180808002' + '1010', '08ea8180808002' + '1001');
      expect(arrived).toBe(meant);
    } else {
      const sent = text.replace('0810', '0801').replace('2082808080f004', '2001');
      const wrapped = sent
        .replace('00000043', '0000003e')
        .replace('505250430000002a00000020', '50525043000000250000001b');
      upstream.connections[0]!.write(Buffer.from(i === 1 ? wrapped : sent, 'hex'));
      expect(hex(await downstream.next())).toBe(text);
    }
  }
  await expectQuiet(it);
  expect(count(it.mesh, 'requests_total', { outcome: 'ok' })).toBe(1);
});

describe('streams through a mesh', () => {
  test('clients, streams and calls with the same ids: nothing is crossed', async () => {
    const it = await scene();
    const upstream = it.server(V1);
    const clients = [it.client(), it.client()];
    const streams: Awaited<ReturnType<typeof answered>>[] = [];
    for (const downstream of clients) streams.push(await answered(it, CLIENT, downstream, upstream));
    // A call whose id is that of the streams.
    for (const downstream of clients) downstream.write(request({ id: CLIENT, method: 'Echo' }));
    await until(() => upstream.connections.some((wire) => wire.waiting === 2));
    const shared = upstream.connections.find((wire) => wire.waiting === 2)!;
    for (const { idLow } of [await shared.next(), await shared.next()]) shared.write(reply({ id: idLow }));
    for (const downstream of clients) expect(hex(await downstream.next())).toBe(reply({ id: CLIENT }).toString('hex'));
    for (const [who, { downstream, wire, ours }] of streams.entries()) {
      downstream.write(streamFrame({ to: SERVER, from: CLIENT }, `to ${who}`));
      expect(hex(await wire.next())).toBe(streamFrame({ to: SERVER, from: ours }, `to ${who}`).toString('hex'));
      wire.write(streamFrame({ to: ours, from: SERVER }, `from ${who}`));
      wire.write(streamFrame({ to: ours, from: SERVER, type: FEEDBACK }));
      expect(hex(await downstream.next())).toBe(
        streamFrame({ to: CLIENT, from: SERVER }, `from ${who}`).toString('hex'),
      );
      expect(hex(await downstream.next())).toBe(
        streamFrame({ to: CLIENT, from: SERVER, type: FEEDBACK }).toString('hex'),
      );
    }
    expect(streams[0]!.wire).not.toBe(streams[1]!.wire);
    for (const { downstream, wire, ours } of streams) {
      wire.write(streamFrame({ to: ours, from: SERVER, type: CLOSE }));
      expect(hex(await downstream.next())).toBe(streamFrame({ to: CLIENT, from: SERVER, type: CLOSE }).toString('hex'));
    }
    await expectQuiet(it);
  });

  test('a stream after another, on the same connection: what comes late of the first reaches nobody', async () => {
    const it = await scene();
    const first = await answered(it);
    const { downstream, upstream, wire, ours } = first;
    wire.write(streamFrame({ to: ours, from: SERVER, type: CLOSE }));
    await downstream.next();
    downstream.write(streamFrame({ to: SERVER, from: CLIENT, type: CLOSE }), streamFrame({ to: SERVER, type: RESET }));
    const second = await answered(it, 17n, downstream, upstream);
    expect([second.wire === wire, second.ours === ours]).toEqual([true, false]);
    wire.write(streamFrame({ to: ours, from: SERVER }, 'late'), streamFrame({ to: ours, type: RESET }));
    wire.write(streamFrame({ to: second.ours, from: SERVER }, 'now'));
    expect(
      raw(await downstream.next())
        .subarray(-3)
        .toString(),
    ).toBe('now');
    downstream.write(streamFrame({ to: SERVER, from: 17n, type: CLOSE }));
    expect((await wire.next()).kind).toBe('stream-end');
    wire.write(streamFrame({ to: second.ours, from: SERVER, type: CLOSE }));
    expect((await downstream.next()).kind).toBe('stream-close');
    await expectQuiet(it);
    expect([wire.waiting, downstream.waiting, upstream.connections.length]).toEqual([0, 0, 1]);
  });

  test('the upstream is lost: a reset, or before the answer a refusal as a server would', async () => {
    const it = await scene();
    const first = await answered(it);
    const second = await opened(it, 17n, first.downstream, first.upstream);
    first.wire.stream.destroy();
    expect(hex(await first.downstream.next())).toBe(streamFrame({ to: CLIENT, type: RESET }).toString('hex'));
    second.wire.stream.destroy();
    const refused = raw(await first.downstream.next());
    const wrapped = refused.subarray(refused.indexOf('PRPC'));
    expect(refused.subarray(12, 27).toString('hex')).toBe('0811' + '10ffffffffffffffffff01' + '1803');
    const [told] = decodedAll(wrapped, 'upstream');
    expect([told!.idHigh, told!.idLow, told!.status]).toEqual([39, 2, '2001']);
    expect(told!.get('error_text')).toMatch(/^meltemi: CONNECTION_LOST: /);
    await expectQuiet(it);
  });

  test('the client is lost: the server is told, by a reset and the end of the connection', async () => {
    const it = await scene();
    const upstream = it.server(V1);
    for (const how of ['destroy', 'end'] as const) {
      const { downstream, wire, ours } = await answered(it, CLIENT, it.client(), upstream);
      downstream.stream[how]();
      expect(hex(await wire.next())).toBe(streamFrame({ to: SERVER, from: ours, type: RESET }).toString('hex'));
      await until(() => wire.closed);
    }
    const unanswered = await opened(it, CLIENT, it.client(), upstream);
    unanswered.downstream.stream.destroy();
    await until(() => unanswered.wire.closed);
    expect(unanswered.wire.waiting).toBe(0);
    await expectQuiet(it);
  });

  test('a reset of the client, which names no sender, finds its stream by the id of the server', async () => {
    const it = await scene();
    const { downstream, wire } = await answered(it);
    downstream.write(streamFrame({ to: SERVER + 1n, type: RESET }));
    await settled();
    expect(wire.waiting).toBe(0);
    downstream.write(streamFrame({ to: SERVER, type: RESET }), streamFrame({ to: SERVER, type: RESET }));
    expect(hex(await wire.next())).toBe(streamFrame({ to: SERVER, type: RESET }).toString('hex'));
    await until(() => wire.closed);
    await expectQuiet(it);
    expect(downstream.waiting).toBe(0);
  });

  test('a client that has closed its end, and its connection, still gets what is said', async () => {
    const it = await scene();
    const { downstream, wire, ours } = await answered(it);
    downstream.stream.end(streamFrame({ to: SERVER, from: CLIENT, type: CLOSE }));
    expect((await wire.next()).kind).toBe('stream-end');
    wire.write(streamFrame({ to: ours, from: SERVER }, 'all'), streamFrame({ to: ours, from: SERVER, type: CLOSE }));
    expect([(await downstream.next()).kind, (await downstream.next()).kind]).toEqual(['stream-data', 'stream-close']);
    await expectQuiet(it);
  });

  test('where two servers have told the same id, such a reset ends neither', async () => {
    const it = await scene();
    const upstream = it.server(V1);
    const downstream = it.client();
    const first = await answered(it, 16n, downstream, upstream);
    const second = await answered(it, 17n, downstream, upstream);
    downstream.write(streamFrame({ to: SERVER, type: RESET }));
    await settled();
    expect([first.wire.waiting, second.wire.waiting, quiet(it.mesh).calls]).toEqual([0, 0, 2]);
  });

  test('a reset of the server ends the stream', async () => {
    const it = await scene();
    const { downstream, wire, ours } = await answered(it);
    wire.write(streamFrame({ to: ours, type: RESET }));
    expect(hex(await downstream.next())).toBe(streamFrame({ to: CLIENT, type: RESET }).toString('hex'));
    expect(count(it.mesh, 'requests_total', { outcome: 'framework' })).toBe(1);
    await expectQuiet(it);
  });

  test.each([
    ['wrapped', (id: number) => answer(id, { id, code: 3001 }), answer(CLIENT, { id: CALL, code: 3001 }), 'business'],
    ['by a plain error', (id: number) => reply({ id, code: 2004 }), reply({ id: CALL, code: 2004 }), 'rejected'],
    ['by no stream of its own', (id: number) => answer(id, { id }), answer(CLIENT, { id: CALL }), 'ok'],
  ])('a server refuses, %s', async (_, refusal, expected, outcome) => {
    const it = await scene();
    const { downstream, wire, ours } = await opened(it);
    wire.write(refusal(ours));
    expect(hex(await downstream.next())).toBe(expected.toString('hex'));
    expect(count(it.mesh, 'requests_total', { outcome })).toBe(1);
    await expectQuiet(it);
  });

  test('rules see the opening, and change it; what has no route is refused', async () => {
    const it = await scene(
      routes(`{ match: { attributes: { method: { exact: Stream } } }, requestMutation: [{ key: tenant, value: blue }],
        route: [{ destination: { host: echo.test, subset: v2 } }] }`),
    );
    const { opening, downstream } = await answered(it, CLIENT, it.client(), it.server(V2));
    expect([opening.operation, opening.get('tenant')]).toEqual(['example.EchoService/Stream', 'blue']);
    downstream.write(request({ id: 5, streams: [18], method: 'Other' }));
    const refused = await downstream.next();
    expect(raw(refused).includes('meltemi: NO_ROUTE')).toBe(true);
    expect(raw(refused).subarray(12, 14).toString('hex')).toBe('0812');
  });
});

describe('hostile peers', () => {
  test('a client that addresses what is not its stream at the server ends its own', async () => {
    const it = await scene();
    const other = await answered(it);
    const { wire, downstream, ours } = await answered(it, CLIENT, it.client(), other.upstream);
    downstream.write(streamFrame({ to: SERVER + 1n, from: CLIENT }, 'not yours'));
    expect((await downstream.next()).kind).toBe('stream-close');
    expect(hex(await wire.next())).toBe(streamFrame({ to: SERVER, from: ours, type: RESET }).toString('hex'));
    other.wire.write(streamFrame({ to: other.ours, from: SERVER }, 'yours'));
    expect((await other.downstream.next()).kind).toBe('stream-data');
  });

  test('data before the answer can be addressed to nobody: the stream is refused', async () => {
    const it = await scene();
    const { downstream, wire } = await opened(it);
    downstream.write(streamFrame({ to: SERVER, from: CLIENT }, 'early'));
    expect(raw(await downstream.next()).includes('ENCODE_FAILED')).toBe(true);
    await until(() => wire.closed);
    expect(wire.waiting).toBe(0);
    await expectQuiet(it);
  });

  test.each([
    ['is no reply', () => streamFrame({ to: 1, from: SERVER }, 'PRPC')],
    [
      'wraps more than a reply',
      () => streamFrame({ to: 1, from: SERVER }, Buffer.concat([reply({ id: 1 }), reply({ id: 1 })])),
    ],
    [
      'wraps no protobuf',
      () => streamFrame({ to: 1, from: SERVER }, Buffer.from('505250430000000200000002' + '0aff', 'hex')),
    ],
  ])('a first frame that %s ends the connection, and the stream as a bad reply', async (_, frame) => {
    const it = await scene();
    const { downstream, wire, ours } = await opened(it);
    expect(ours).toBe(1);
    wire.write(frame());
    expect(raw(await downstream.next()).includes('BAD_REPLY')).toBe(true);
    await until(() => wire.closed);
    await expectQuiet(it);
  });

  test('several streams by one request are refused', async () => {
    const it = await scene();
    it.server(V1);
    const downstream = it.client();
    downstream.write(request({ id: 5, streams: [18, 19] }));
    expect(raw(await downstream.next()).includes('opens several streams')).toBe(true);
    await expectQuiet(it);
  });

  test.each([
    ['a stream without an id', '50525043' + '00000002' + '00000002' + '4200', 'does not say which'],
    ['settings that are no protobuf', '50525043' + '00000004' + '00000004' + '42020aff', 'no protobuf from byte 14 on'],
    ['a frame for nobody', streamFrame({ to: 1, from: 2 }).toString('hex').replace('0801', '3801'), 'of no stream'],
    ['a frame whose meta is none', '5354524d' + '00000002' + '00000002' + '08ff', 'no protobuf from byte 12 on'],
    ['a frame over the limit', '5354524d' + '7fffffff' + '00000002', 'the limit is'],
  ])('%s ends the connection', (_, bytes, says) => {
    expect(() => decodedAll(Buffer.from(bytes, 'hex'))).toThrow(says);
  });
});

function decode(codec: Codec, bytes: Buffer): Message {
  const input = new ByteQueue();
  input.push(bytes);
  return codec.decode(input)!;
}

test('a codec forgets a stream with its end', () => {
  const openings = decodedAll(Buffer.concat([open(16n), open(17n), open(18n)]));
  const ends = [
    (it: Codec, opening: Message) => it.reset!(opening, { code: 'CONNECTION_LOST', message: '' }),
    (it: Codec, opening: Message) => {
      const [close] = decodedAll(streamFrame({ to: 1, from: SERVER, type: CLOSE }), 'upstream');
      return it.encode(close!, opening);
    },
    (it: Codec, opening: Message) => it.encode(decodedAll(reply({ id: 1 }), 'upstream')[0]!, opening),
  ];
  for (const [i, end] of ends.entries()) {
    const opening = openings[i]!;
    const downstream = brpc.open('downstream');
    const upstream = brpc.open('upstream');
    upstream.encode(opening, { idHigh: 0, idLow: 1 });
    const accepted = decode(upstream, answer(1, { id: 1, streams: [SERVER] }));
    const reset = streamFrame({ to: SERVER, type: RESET });
    expect(decode(downstream, reset).kind).toBe('event');
    downstream.encode(accepted, opening);
    end(downstream, opening);
    expect(decode(downstream, reset).kind).toBe('event');
    downstream.encode(accepted, opening);
    expect(decode(downstream, reset)).toMatchObject({ kind: 'stream-close', idLow: opening.idLow });
    expect(decode(downstream, reset).kind).toBe('event');
  }
});
